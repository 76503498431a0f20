# What is installed: the program, its man pages, and completions for three shells. The program
# writes them itself; the image takes the program alone.
{
  lib,
  runCommand,
  manifest,
  program,
}:
let
  pname = "git-mind";
  inherit (manifest.package) version;
in
runCommand "${pname}-${version}"
  {
    inherit pname version;
    meta = {
      inherit (manifest.package) description;
      # MIT OR Apache-2.0, as the manifest says.
      license = [
        lib.licenses.mit
        lib.licenses.asl20
      ];
      mainProgram = pname;
      platforms = lib.platforms.linux;
    }
    // lib.optionalAttrs (manifest.package ? homepage) {
      inherit (manifest.package) homepage;
    };
  }
  ''
    bash ${../packages/tree} ${program}/bin/git-mind $out
    ln -sf ${program}/bin/git-mind $out/bin/git-mind
  ''
