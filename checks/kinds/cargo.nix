# A check that runs cargo on the workspace, or on the `part` of it that it names, by the
# profile it names or by a bare toolchain. An edit elsewhere does not run the check of a part again.
{
  lib,
  profiles,
  sources,
  fixtures,
  program,
  compiled,
  cargoDerivation,
}:
check:
let
  # What is compiled: the whole, the libraries alone, or the directories that are named.
  part =
    if !(check ? part) then
      "program"
    else if check.part == "libraries" then
      "libraries"
    else
      "directories";
in
cargoDerivation (
  {
    inherit (check) name;
    src =
      let
        others = check.sources or [ ];
      in
      {
        directories = sources.partWith check.part others;
        libraries = sources.librariesWith others;
        program = sources.programWith others;
      }
      .${part};
    profile = if check ? profile then profiles.${check.profile} else { inherit (check) toolchain; };
    fixtures = if check.fixtures or false then fixtures.vendored else null;
    toolNames = check.tools or [ ];
    env =
      check.env or { }
      // lib.optionalAttrs (check.program or false) {
        GITMIND_PROGRAM = "${program}/bin/git-mind";
      };
    buildPhase = lib.concatStringsSep "\n" check.run;
    installPhase = ''
      mkdir -p $out
      for report in ${lib.escapeShellArgs (check.keep or [ ])}; do cp "$report" $out; done
    '';
  }
  // lib.optionalAttrs (check ? profile) compiled.${check.profile}.${part}
)
