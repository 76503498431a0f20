# A check that runs tools over the files it names, or over what the checks `of` keep, a directory
# for each; no compiler.
{
  lib,
  runCommand,
  sources,
  tools,
  checks,
}:
check:
let
  link = name: "ln -s ${checks.${name}} reports/${name}";
in
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
    ${lib.concatMapStringsSep "\n" link (check.of or [ ])}
    cd ${sources.paths check.sources}
    ${lib.concatStringsSep "\n" check.run}
    mkdir -p $out
  ''
