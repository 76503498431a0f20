# `nix fmt`: formats the Rust and the Nix files of the working tree, or those that are named.
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
    pkgs.coreutils
    pkgs.gnused
  ];
  text = builtins.readFile ../format.sh;
}
