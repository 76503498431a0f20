# dockerTools.streamLayeredImage: a program that writes the archive of an image to its output.
#
# As there, the image holds the store paths that its packages and its configuration need, and links
# to the packages' files at the top.
{ lib, build }:
{
  name,
  contents,
  config,
  created,
  extraCommands ? "",
}:
let
  packages = lib.escapeShellArgs (builtins.filter (package: package != null) contents);
  configuration = builtins.toJSON config;
  needs = build.runCommand "${name}-needs" { inherit configuration; } ''
    echo "$configuration" ${packages} >$out
  '';
  archive =
    build.runCommand "${name}.tar"
      {
        inherit configuration;
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
build.runCommand "stream-${name}" { passthru = { inherit archive; }; } ''
  printf '#!%s\nexec /usr/bin/cat %s\n' ${build.bash} ${archive} >$out
  chmod +x $out
''
