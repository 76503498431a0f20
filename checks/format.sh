# What `nix fmt` runs, as checks/nix/formatter.nix makes it a program: formats Rust and Nix.
#
#   nix fmt                  every file of the working tree
#   nix fmt -- FILE...       those files, and what is tracked under those directories
#   nix fmt -- --check ...   rewrites nothing, names what is not formatted, and fails if any is

usage() {
  echo "format: $1; usage: nix fmt -- [--check] [FILE...]" >&2
  exit 2
}

check=()
files=()
for argument in "$@"; do
  case $argument in
    --check) check=(--check) ;;
    -*) usage "no option $argument" ;;
    *) files+=("$argument") ;;
  esac
done

top=$(git rev-parse --show-toplevel)
code=0
rust=()
nix=()

# One list for Rust, one for Nix; the rest is not ours.
sort_in() {
  case $1 in
    *.rs) rust+=("$1") ;;
    *.nix) nix+=("$1") ;;
  esac
}

for file in "${files[@]}"; do
  if [ -d "$file" ]; then
    while IFS= read -r -d '' tracked; do
      sort_in "$file/$tracked"
    done < <(git -C "$file" ls-files -z)
  elif [ -f "$file" ]; then
    sort_in "$file"
  else
    usage "no file $file"
  fi
done

if [ ${#files[@]} -eq 0 ]; then
  cd "$top"
  cargo fmt --all "${check[@]}" || code=1
  while IFS= read -r -d '' tracked; do
    [ ! -f "$tracked" ] || nix+=("$tracked")
  done < <(git ls-files -z '*.nix')
fi

# rustfmt formats the modules of a file with it, but not of what it reads from its input.
edition=$(sed -n 's/^edition = "\(.*\)"/\1/p' "$top/Cargo.toml")
for file in "${rust[@]}"; do
  if ! formatted=$(rustfmt --edition "$edition" --config-path "$top" <"$file" && echo .); then
    echo "format: $file cannot be read as Rust" >&2
    code=1
  elif [ "$formatted" != "$(cat -- "$file" && echo .)" ]; then
    if [ ${#check[@]} -gt 0 ]; then
      echo "format: $file is not formatted" >&2
      code=1
    else
      printf %s "${formatted%.}" >"$file"
    fi
  fi
done

if [ ${#nix[@]} -gt 0 ]; then
  nixfmt "${check[@]}" "${nix[@]}" || code=1
fi
exit "$code"
