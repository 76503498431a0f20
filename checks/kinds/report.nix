# A check that judges what others have kept, a directory for each, without running them again.
{
  lib,
  runCommand,
  sources,
  tools,
  checks,
}:
check:
runCommand check.name
  {
    nativeBuildInputs = map (tool: tools.${tool}) (check.tools or [ ]);
    env =
      check.env or { }
      // lib.optionalAttrs (check ? floor_percent) {
        FLOOR_PERCENT = toString check.floor_percent;
      };
  }
  ''
    export REPORTS=$PWD/reports
    mkdir reports
    ${lib.concatMapStringsSep "\n" (name: "ln -s ${checks.${name}} reports/${name}") check.of}
    cd ${sources.paths check.sources}
    ${lib.concatStringsSep "\n" check.run}
    mkdir -p $out
  ''
