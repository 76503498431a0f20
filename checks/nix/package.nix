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
    mind=${program}/bin/git-mind share=$out/share
    mkdir -p $out/bin $share/man/man1 $share/bash-completion/completions \
      $share/zsh/site-functions $share/fish/vendor_completions.d
    ln -s $mind $out/bin/git-mind
    $mind man --dir $share/man/man1
    $mind completions bash >$share/bash-completion/completions/git-mind
    $mind completions zsh >$share/zsh/site-functions/_git-mind
    $mind completions fish >$share/fish/vendor_completions.d/git-mind.fish
  ''
