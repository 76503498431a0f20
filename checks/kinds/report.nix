# A check that judges what another one has kept, without running that again.
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
      // {
        REPORTS = "${checks.${check.of}}";
      }
      // lib.optionalAttrs (check ? floor_percent) { FLOOR_PERCENT = toString check.floor_percent; };
  }
  ''
    cd ${sources.paths check.sources}
    ${lib.concatStringsSep "\n" check.run}
    mkdir -p $out
  ''
