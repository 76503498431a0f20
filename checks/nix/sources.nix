# What each kind of build may see, as file sets of what is in, so that an edit elsewhere (a page
# of docs/, say) rebuilds no Rust.
{
  lib,
  runCommand,
  manifest,
}:
let
  root = ../..;
  fromTop = name: root + "/${name}";
  from =
    paths:
    lib.fileset.toSource {
      inherit root;
      fileset = lib.fileset.unions paths;
    };
  # The manifests and the lock file. Cargo reads those of all members, whatever it builds.
  members = manifest.workspace.members;
  kinds = builtins.partition (member: builtins.match "crates/.*" member != null) members;
  libraries = kinds.right;
  top = [
    ../../Cargo.toml
    ../../Cargo.lock
  ];
  manifests = top ++ map (member: fromTop "${member}/Cargo.toml") members;
  sourcesOf =
    member:
    map lib.fileset.maybeMissing [
      (fromTop "${member}/Cargo.toml")
      (fromTop "${member}/build.rs")
      (fromTop "${member}/src")
    ];
  # Every target that a manifest names, or cargo finds by itself, as an empty program.
  named =
    folder: manifest:
    let
      pathOf = target: target.path or (throw "Cargo.toml: give the target ${target.name} a path");
      ofKind = kind: map (target: folder + pathOf target) (manifest.${kind} or [ ]);
    in
    builtins.concatMap ofKind [
      "bin"
      "test"
      "bench"
      "example"
    ];
  manifestOf = member: builtins.fromTOML (builtins.readFile (fromTop "${member}/Cargo.toml"));
  targets = [
    "src/lib.rs"
    "src/main.rs"
  ]
  ++ map (member: "${member}/src/main.rs") kinds.wrong
  ++ named "" manifest
  ++ builtins.concatMap (member: named "${member}/" (manifestOf member)) libraries;
in
{
  # The whole crate but the vendored fixtures, which come from the store, their hash being proven. A
  # check names what it needs beyond that: its tool's settings, pages whose examples it compiles.
  crateWith =
    names:
    from (
      top
      ++ [
        ../../build.rs
        ../../fixtures/fixtures.toml
        ../../src
        ../../tests
      ]
      ++ builtins.concatMap (member: sourcesOf member ++ [ (fromTop "${member}/tests") ]) libraries
      ++ map lib.fileset.maybeMissing [
        ../../benches
        ../../examples
      ]
      ++ map fromTop names
    );

  # A part of the crate, with what else a check names: the stub stands for the rest.
  partWith = part: names: from (top ++ map fromTop (part ++ names));

  # What the program is made of; with the stub beneath, that is a crate.
  program = from (
    top
    ++ [
      ../../build.rs
      ../../src
    ]
    ++ builtins.concatMap sourcesOf libraries
  );

  # What decides the dependency builds: the manifest, the lock file, and a stub of each target.
  stub = runCommand "gitmind-stub" { } ''
    mkdir -p $out && cd $out
    cp -r ${from manifests}/. .
    chmod -R u+w .
    for target in ${lib.escapeShellArgs targets}; do
      mkdir -p "$(dirname "$target")"
      printf '//! A stub.\nfn main() {}\n' >"$target"
    done
    for folder in . ${lib.escapeShellArgs libraries}; do
      mkdir -p $folder/src
      printf '//! A stub.\n' >$folder/src/lib.rs
      printf '# A stub\n' >$folder/README.md
    done
  '';

  # Named files and folders, as a script check lists them, from the top of the repository.
  paths = names: from (map fromTop names);
}
