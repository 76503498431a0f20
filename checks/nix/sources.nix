# What each kind of build may see, so that an edit elsewhere (a page, say) rebuilds no Rust.
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
      (fromTop "${member}/clippy.toml")
      (fromTop "${member}/src")
    ];
  librarySources = builtins.concatMap sourcesOf libraries;
  # Every target that a manifest names, or cargo finds by itself, as an empty program.
  named =
    directory: manifest:
    let
      pathOf = target: target.path or (throw "Cargo.toml: give the target ${target.name} a path");
      ofKind = kind: map (target: directory + pathOf target) (manifest.${kind} or [ ]);
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
  ++ map (member: "${member}/${(manifestOf member).lib.path or "src/main.rs"}") kinds.wrong
  ++ named "" manifest
  ++ builtins.concatMap (member: named "${member}/" (manifestOf member)) members;
in
{
  # The program with its tests and the libraries, without the vendored fixtures, which come from the
  # store, their hash being proven. A check names what it needs beyond that: its tool's settings,
  # tests of the libraries, pages whose examples it compiles.
  programWith =
    names:
    from (
      top
      ++ [
        ../../build.rs
        ../../fixtures/fixtures.toml
        ../../src
        ../../tests
      ]
      ++ librarySources
      ++ map lib.fileset.maybeMissing [
        ../../benches
        ../../examples
      ]
      ++ map fromTop names
    );

  # The libraries with their tests: the stub stands for the program.
  librariesWith =
    names:
    from (
      top
      ++ [ ../../fixtures/fixtures.toml ]
      ++ librarySources
      ++ map (member: lib.fileset.maybeMissing (fromTop "${member}/tests")) libraries
      ++ map fromTop names
    );

  # A part of the workspace, with what else a check names: the stub stands for the rest.
  partWith = part: names: from (top ++ map fromTop (part ++ names));

  # What the program is made of; with the stub beneath, that is a crate.
  program = from (
    top
    ++ [
      ../../build.rs
      ../../src
    ]
    ++ librarySources
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
    for directory in . ${lib.escapeShellArgs libraries}; do
      mkdir -p $directory/src
      printf '//! A stub.\n' >$directory/src/lib.rs
      printf '# A stub\n' >$directory/README.md
    done
  '';

  # Named files and directories, as a script check lists them.
  paths = names: from (map fromTop names);
}
