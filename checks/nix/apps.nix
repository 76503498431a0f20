# What `nix run` offers: the program as it is installed, the measurement of the pinned journal, and
# the archive of each image on standard output (`nix run .#image | podman load`).
{
  lib,
  pkgs,
  program,
  package,
  fixtures,
  images,
}:
let
  budget = pkgs.writeShellApplication {
    name = "budget";
    text = ''
      exec ${program}/bin/git-mind budget --fixtures-dir ${fixtures.vendored} "$@"
    '';
  };
  app = description: executable: {
    type = "app";
    program = "${executable}";
    meta = { inherit description; };
  };
in
{
  default = app "git-mind itself" "${package}/bin/git-mind";
  budget = app "the rebuild of the pinned history, under its memory cap" "${budget}/bin/budget";
}
// lib.mapAttrs (name: app "the archive of the image ${name}, on standard output") images
