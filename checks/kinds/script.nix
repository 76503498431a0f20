# A check that runs tools over the files it names; no compiler.
{
  lib,
  runCommand,
  sources,
  tools,
}:
check:
runCommand check.name
  {
    nativeBuildInputs = map (tool: tools.${tool}) (check.tools or [ ]);
    env = check.env or { };
  }
  ''
    cd ${sources.paths check.sources}
    ${lib.concatStringsSep "\n" check.run}
    mkdir -p $out
  ''
