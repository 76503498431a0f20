# `nix fmt`: formats the Rust and the Nix files of the working tree.
{
  pkgs,
  toolchains,
  tools,
}:
pkgs.writeShellApplication {
  name = "format";
  runtimeInputs = [
    toolchains.stable
    tools.git
    tools.nixfmt
  ];
  text = ''
    cd "$(git rev-parse --show-toplevel)"
    cargo fmt --all
    git ls-files -z '*.nix' | xargs -0 nixfmt
  '';
}
