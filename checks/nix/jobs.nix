# The checks as jobs for a CI system: those that share a build are one job, so that each profile's
# dependencies are built once. A job's digest changes when a derivation of it does, and then alone.
{
  lib,
  matrix,
  profiles,
  pkgs,
}:
checks:
let
  # The program and its image are built by the profile `shipped`; what compiles nothing is apart.
  groupOf =
    name:
    let
      check = matrix.check.${name};
      profile = check.profile or null;
    in
    if check.kind == "program" || check.kind == "image" then
      "shipped"
    else if profile == null then
      "tools"
    else
      profiles.${profile}.deps_of or profile;
  derivation = name: builtins.unsafeDiscardStringContext checks.${name}.drvPath;
in
lib.attrValues (
  lib.mapAttrs (group: names: {
    inherit group;
    inherit (pkgs.stdenv.hostPlatform) system;
    checks = names;
    digest = builtins.substring 0 16 (
      builtins.hashString "sha256" (lib.concatMapStringsSep " " derivation names)
    );
  }) (builtins.groupBy groupOf (builtins.attrNames checks))
)
