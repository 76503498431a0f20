# The fixtures in the store, each a fixed-output derivation.
#
# Vendored files are pinned by fixtures/fixtures.toml, generated ones by checks/generated.toml. The
# store knows a fixed output by its name and hash alone, and would keep an old one for a file that
# has changed; so the name carries a digest of the file or of its entry, and a changed byte is
# always met: the build fails with the hash that was wanted and the one that came. That today's generator
# still writes the bytes of the generated ones is shown by the check `fixtures`, on the small ones.
{
  lib,
  program,
  runCommand,
}:
let
  listed = builtins.fromTOML (builtins.readFile ../../fixtures/fixtures.toml);
  list = listed.fixture ++ listed.file or [ ];
  pins = (builtins.fromTOML (builtins.readFile ../generated.toml)).fixture;
  short = digest: builtins.substring 0 8 digest;

  pinned =
    entry:
    let
      file = ../../fixtures + "/${entry.file}";
    in
    runCommand "fixture-${baseNameOf entry.file}-${short (builtins.hashFile "sha256" file)}" {
      outputHashMode = "flat";
      outputHashAlgo = "sha256";
      outputHash = entry.sha256;
    } "cp ${file} $out";

  generate =
    name: entry:
    runCommand "fixture-${name}-${short (builtins.hashString "sha256" (builtins.toJSON entry))}" {
      nativeBuildInputs = [ program ];
      outputHashMode = "recursive";
      outputHashAlgo = "sha256";
      outputHash = entry.hash;
    } "git-mind fixture make ${entry.options} $out";
in
{
  # One folder with every vendored fixture under the name that the list gives it.
  vendored = runCommand "fixtures" { } ''
    mkdir -p $out
    cp ${../../fixtures/fixtures.toml} $out/fixtures.toml
    ${lib.concatMapStringsSep "\n" (entry: ''
      mkdir -p "$(dirname "$out/${entry.file}")"
      ln -s ${pinned entry} "$out/${entry.file}"
    '') list}
  '';
  generated = lib.mapAttrs' (
    name: entry: lib.nameValuePair "fixture-${name}" (generate name entry)
  ) pins;
}
