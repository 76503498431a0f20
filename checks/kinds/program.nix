# A check that runs the program, as it is installed, on the fixtures of the store; no compiler.
{
  lib,
  runCommand,
  package,
  fixtures,
  sources,
  tools,
}:
check:
runCommand check.name
  {
    nativeBuildInputs = [ package ] ++ map (tool: tools.${tool}) (check.tools or [ ]);
    env =
      check.env or { }
      // {
        FIXTURES = "${fixtures.vendored}";
      }
      // lib.optionalAttrs (check ? journal) {
        JOURNAL = "${fixtures.generated."fixture-${check.journal}"}";
      };
  }
  ''
    export HOME=$NIX_BUILD_TOP
    set -o pipefail
    ${lib.optionalString (check ? sources) (
      if check ? keep then
        "cp -r ${sources.paths check.sources}/. . && chmod -R u+w ."
      else
        "cd ${sources.paths check.sources}"
    )}
    ${lib.concatStringsSep "\n" check.run}
    mkdir -p $out
    for report in ${lib.escapeShellArgs (check.keep or [ ])}; do cp "$report" $out; done
  ''
