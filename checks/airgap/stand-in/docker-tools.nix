# dockerTools: a program that writes the archive of an image to its output, and small contents.
#
# As there, the image holds the store paths that its packages and its configuration need, and links
# to the packages' files at the top.
{
  lib,
  build,
  host,
}:
let
  makeFakeNss =
    {
      extraPasswdLines ? [ ],
      extraGroupLines ? [ ],
    }:
    let
      write = lines: lib.escapeShellArgs [ (lib.concatStringsSep "\n" lines) ];
    in
    build.runCommand "fake-nss" { } ''
      mkdir -p $out/etc $out/var/empty
      echo ${write ([ "root:x:0:0:root user:/var/empty:/bin/sh" ] ++ extraPasswdLines)} >$out/etc/passwd
      echo ${write ([ "root:x:0:" ] ++ extraGroupLines)} >$out/etc/group
    '';
in
{
  usrBinEnv = build.runCommand "usr-bin-env" { } ''
    mkdir -p $out/usr/bin
    ln -s ${host.coreutils}/bin/env $out/usr/bin
  '';
  fakeNss = makeFakeNss { } // {
    override = makeFakeNss;
  };
  streamLayeredImage =
    {
      name,
      contents,
      config,
      created,
      extraCommands ? "",
      maxLayers ? 100,
    }:
    let
      packages = lib.escapeShellArgs contents;
      configuration = builtins.toJSON config;
      needs = build.runCommand "${name}-needs" { inherit configuration; } ''
        echo "$configuration" ${packages} >$out
      '';
      archive =
        build.runCommand "${name}.tar"
          {
            inherit configuration;
            nativeBuildInputs = [ host.python3 ];
            exportReferencesGraph = [
              "closure"
              needs
            ];
          }
          ''
            mkdir root
            grep '^/nix/store/' closure | grep -v ${needs} | sort -u >paths
            source ${./image-root.sh}
            for package in ${packages}; do link_files "$package"; done
            (cd root && ${extraCommands})
            python3 ${./archive.py} ${name} ${created} "$configuration" root $out
          '';
    in
    assert maxLayers > 2;
    build.runCommand "stream-${name}" { passthru = { inherit archive; }; } ''
      printf '#!%s/bin/bash\nexec ${host.coreutils}/bin/cat %s\n' ${build.bash} ${archive} >$out
      chmod +x $out
    '';
}
