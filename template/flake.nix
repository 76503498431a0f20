# Wiring only: the inputs, the systems, and the checks, which are listed in checks/matrix.toml.
{
  description = "A crate whose checks are one list";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    rust-overlay = {
      url = "github:oxalica/rust-overlay";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    { nixpkgs, rust-overlay, ... }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      each =
        output:
        nixpkgs.lib.genAttrs systems (
          system:
          output (
            import nixpkgs {
              inherit system;
              overlays = [ rust-overlay.overlays.default ];
            }
          )
        );
    in
    {
      checks = each (pkgs: import ./checks/nix.nix { inherit pkgs; });
    };
}
