# A check that looks into an image, that of the program where it names none, without an engine.
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
    ${images.${check.image or "image"}} >image.tar
    export IMAGE=$PWD/image.tar
    cd ${sources.paths check.sources}
    ${lib.concatStringsSep "\n" check.run}
    mkdir -p $out
  ''
