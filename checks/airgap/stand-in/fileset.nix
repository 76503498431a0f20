# lib.fileset, reduced to what is used: a set is the list of the paths that are in, and a path
# stands for itself and for everything below it.
let
  asList = set: if builtins.isList set then set else [ set ];
  concatMap = builtins.concatMap;
  hasPrefix = prefix: text: builtins.substring 0 (builtins.stringLength prefix) text == prefix;
in
{
  unions = concatMap asList;
  maybeMissing = path: if builtins.pathExists path then [ path ] else [ ];
  toSource =
    { root, fileset }:
    let
      wanted = map (
        path: if builtins.pathExists path then toString path else throw "no file ${toString path}"
      ) (asList fileset);
      isIn = path: builtins.any (name: path == name || hasPrefix "${name}/" path) wanted;
      leadsIn = path: builtins.any (hasPrefix "${path}/") wanted;
    in
    builtins.path {
      path = root;
      name = "source";
      filter = path: type: isIn path || (type == "directory" && leadsIn path);
    };
}
