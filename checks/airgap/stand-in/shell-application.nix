# writeShellApplication: a checked shell program with its inputs on PATH.
{ lib, build }:
{
  name,
  text,
  runtimeInputs ? [ ],
}:
let
  inherit (build) bash;
  path = lib.concatMapStringsSep "" (input: "${input}/bin:") runtimeInputs;
  program = ''
    #!${bash}/bin/bash
    set -o errexit -o nounset -o pipefail
    export PATH="${path}$PATH"
    ${text}
  '';
in
build.runCommand name { } ''
  mkdir -p $out/bin
  printf %s ${lib.escapeShellArgs [ program ]} >$out/bin/${name}
  bash -n $out/bin/${name}
  chmod +x $out/bin/${name}
''
