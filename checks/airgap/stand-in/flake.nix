# Stands in for nixpkgs and for rust-overlay on a machine that reaches neither:
#   nix flake check --override-input nixpkgs path:checks/airgap/stand-in \
#     --override-input rust-overlay path:checks/airgap/stand-in --no-write-lock-file
# It has the attributes that this repository's Nix files use, and no others. Compilers and tools
# are the host's, shown to the sandbox read-only by checks/airgap/enter.
{
  outputs = _: {
    lib = import ./lib.nix;
    overlays.default = _: _: { };
  };
}
