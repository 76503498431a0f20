# The checks as jobs for a CI system: those that share a build are one job, so that each profile's
# dependencies are built once. A job's digest changes when a derivation of it does, and then alone.
{
  lib,
  matrix,
  profiles,
  checks,
  pkgs,
}:
let
  check = matrix.check;
  baseOf = profile: profiles.${profile}.deps_of or profile;
  # The program is of the profile `shipped`. Tests that are given it share builds with that profile.
  given = lib.filterAttrs (name: _: check.${name}.program or false) checks;
  withProgram = [ "shipped" ] ++ map (name: baseOf check.${name}.profile) (lib.attrNames given);
  groupOf =
    name:
    let
      entry = check.${name};
      isOfProgram = entry.kind == "program" || entry.kind == "image" && !(entry ? image);
      base = if isOfProgram then "shipped" else baseOf entry.profile;
    in
    if entry ? of then
      groupOf (builtins.head entry.of)
    else if !(isOfProgram || entry ? profile) then
      "tools"
    else if lib.elem base withProgram then
      "program"
    else
      base;
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
  }) (builtins.groupBy groupOf (lib.attrNames checks))
)
