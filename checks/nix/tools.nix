# The programs a check may name under `tools`, by the name it uses.
{ pkgs }:
{
  inherit (pkgs)
    cargo-deny
    cargo-llvm-cov
    deadnix
    dpkg
    nixfmt
    python3
    valgrind
    ;
  git = pkgs.gitMinimal;
  symbolizer = pkgs.llvm;
}
