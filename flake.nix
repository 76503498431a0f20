# Wiring only: the inputs, the systems, and where each output is made. The checks are listed in
# checks/matrix.toml; checks/nix turns that list into derivations.
{
  description = "git-mind's journal and cache rebuild under a memory contract";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    rust-overlay = {
      url = "github:oxalica/rust-overlay";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      rust-overlay,
    }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      projects = nixpkgs.lib.genAttrs systems (
        system:
        import ./checks/nix {
          pkgs = import nixpkgs {
            inherit system;
            overlays = [ rust-overlay.overlays.default ];
          };
        }
      );
      each = output: builtins.mapAttrs (_: project: project.${output}) projects;
    in
    {
      packages = each "packages";
      apps = each "apps";
      checks = each "checks";
      devShells = each "devShells";
      formatter = each "formatter";
      hydraJobs = self.checks;

      # `git-mind` for another flake's package set, with its toolchain by rust-overlay's overlay.
      overlays.default =
        final: prev:
        rust-overlay.overlays.default final prev
        // {
          git-mind = (import ./checks/nix { pkgs = final; }).packages.default;
        };

      # `nix flake init -t` puts it into a new repository; docs/reuse-ci.md says what it is.
      templates.default = {
        path = ./template;
        description = "A crate whose checks are one list, with a memory budget and planted faults";
      };

      # What .github/workflows/ci.yml builds, and on which systems.
      lib.jobs = builtins.concatMap (system: projects.${system}.jobs) systems;
    };
}
