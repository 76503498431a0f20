# Turns checks/matrix.toml into derivations: each entry is built by the file of its kind.
#
# Every file beside this one is a function of what it needs; `scope` holds what they may ask for.
{ pkgs }:
let
  inherit (pkgs) lib;
  matrix = builtins.fromTOML (builtins.readFile ../matrix.toml);
  system = pkgs.stdenv.hostPlatform.system;
  forSystem = lib.filterAttrs (_: entry: lib.elem system (entry.systems or [ system ]));

  callFile =
    file:
    let
      function = import file;
    in
    function (builtins.intersectAttrs (builtins.functionArgs function) scope);
  scope = {
    inherit (pkgs) lib runCommand;
    inherit pkgs matrix;
    manifest = builtins.fromTOML (builtins.readFile ../../Cargo.toml);
    profiles = forSystem matrix.profile;
    vendored = pkgs.rustPlatform.importCargoLock { lockFile = ../../Cargo.lock; };
    tools = callFile ./tools.nix;
    toolchains = callFile ./toolchains.nix;
    sources = callFile ./sources.nix;
    fixtures = callFile ./fixtures.nix;
    cargoDerivation = callFile ./cargo-derivation.nix;
    compiled = callFile ./compiled.nix;
    program = callFile ./program.nix;
    package = callFile ./package.nix;
    buildImage = callFile ../../docker/build-image.nix;
    imageForJobs = callFile ../../docker/image-ci.nix;
    images = {
      image = callFile ../../docker/image.nix;
      image-ci = scope.imageForJobs {
        name = "git-mind-ci";
        channel = "stable";
        toolNames = lib.filter (name: name != "symbolizer") (lib.attrNames scope.tools);
      };
    }
    // lib.optionalAttrs (scope.profiles ? asan) {
      image-ci-sanitizers = scope.imageForJobs {
        name = "git-mind-ci-sanitizers";
        channel = "nightly";
        toolNames = [
          "git"
          "python3"
          "symbolizer"
        ];
      };
    };
    checks = lib.mapAttrs build usable;
    kinds = {
      cargo = callFile ../kinds/cargo.nix;
      image = callFile ../kinds/image.nix;
      program = callFile ../kinds/program.nix;
      script = callFile ../kinds/script.nix;
    };
  };

  # A check without a profile runs everywhere; one whose profile is not for this system is left out.
  # So is one that needs a component: a sandbox cannot get what the component builds itself from.
  usable = lib.filterAttrs (
    _: check: !(check ? components) && (!(check ? profile) || scope.profiles ? ${check.profile})
  ) (forSystem matrix.check);
  build = name: check: scope.kinds.${check.kind} (check // { inherit name; });
in
{
  inherit (scope) checks;
  jobs = callFile ./jobs.nix;
  packages = {
    default = scope.package;
  }
  // scope.images
  // scope.fixtures.generated;
  apps = callFile ./apps.nix;
  # checks/run works in it with nothing else on the machine: it finds both toolchains by their
  # variables, and the linker finds the libc of a static program by LIBRARY_PATH.
  devShells.default = pkgs.mkShell {
    packages = [ scope.toolchains.stable ] ++ lib.attrValues scope.tools;
    TOOLCHAIN_STABLE = "${scope.toolchains.stable}";
    TOOLCHAIN_NIGHTLY = "${scope.toolchains.nightly}";
    LIBRARY_PATH = "${pkgs.glibc.static}/lib";
  };
  formatter = callFile ./formatter.nix;
}
