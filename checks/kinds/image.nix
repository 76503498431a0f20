# A check that looks into the image of the program and runs what is in it, without an engine.
{
  lib,
  runCommand,
  images,
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
    ${images.image} >image.tar
    export IMAGE=$PWD/image.tar
    cd ${sources.paths check.sources}
    ${lib.concatStringsSep "\n" check.run}
    mkdir -p $out
  ''
