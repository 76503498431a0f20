# The vendored crates of a lock file. Each is the fixed output that nixpkgs' importCargoLock would
# fetch, by the same name, so checks/airgap/seed-crates can put it into the store and nothing is
# fetched; a crate that was not seeded fails by the name in its address.
{ lib, build }:
{ lockFile }:
let
  locked =
    builtins.filter (package: package ? checksum)
      (builtins.fromTOML (builtins.readFile lockFile)).package;
  archive =
    package:
    derivation {
      name = "crate-${package.name}-${package.version}.tar.gz";
      system = "builtin";
      builder = "builtin:fetchurl";
      url = "not-seeded:${package.name}-${package.version}";
      outputHashMode = "flat";
      outputHashAlgo = "sha256";
      outputHash = package.checksum;
      unpack = false;
      executable = false;
    };
in
build.runCommand "cargo-vendor-dir" { } ''
  mkdir -p $out
  ${lib.concatMapStringsSep "\n" (package: ''
    tar -C $out -xzf ${archive package}
    echo '{"files":{},"package":"${package.checksum}"}' \
      >$out/${package.name}-${package.version}/.cargo-checksum.json
  '') locked}
''
