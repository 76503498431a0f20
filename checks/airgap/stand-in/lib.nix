# The few functions of nixpkgs' lib that this repository calls, with the meaning they have there.
let
  inherit (builtins)
    attrNames
    concatStringsSep
    elem
    filter
    listToAttrs
    map
    replaceStrings
    ;
  nameValuePair = name: value: { inherit name value; };
  escapeShellArg =
    text:
    if builtins.match "[[:alnum:],._+:@%/-]+" (toString text) != null then
      toString text
    else
      "'${replaceStrings [ "'" ] [ "'\\''" ] (toString text)}'";
in
{
  inherit (builtins)
    attrNames
    attrValues
    concatStringsSep
    elem
    filter
    mapAttrs
    ;
  inherit nameValuePair;
  fileset = import ./fileset.nix;
  concatMapStringsSep =
    separator: function: list:
    concatStringsSep separator (map function list);
  escapeShellArgs = list: concatStringsSep " " (map escapeShellArg list);
  filterAttrs =
    keep: set:
    let
      names = filter (name: keep name set.${name}) (attrNames set);
    in
    listToAttrs (map (name: nameValuePair name set.${name}) names);
  genAttrs = names: function: listToAttrs (map (name: nameValuePair name (function name)) names);
  mapAttrs' = function: set: listToAttrs (map (name: function name set.${name}) (attrNames set));
  optionalAttrs = condition: set: if condition then set else { };
  optionalString = condition: text: if condition then text else "";
  optionals = condition: list: if condition then list else [ ];
  licenses = {
    mit.spdxId = "MIT";
    asl20.spdxId = "Apache-2.0";
  };
  platforms.linux = [
    "x86_64-linux"
    "aarch64-linux"
  ];
  splitString = separator: text: filter builtins.isString (builtins.split separator text);
  unique = builtins.foldl' (seen: item: if elem item seen then seen else seen ++ [ item ]) [ ];
}
