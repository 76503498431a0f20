# The Rust toolchains of the matrix, pinned by version and date, with what its checks need of them.
{
  lib,
  pkgs,
  matrix,
}:
let
  inherit (pkgs.stdenv.hostPlatform) isx86_64;
in
{
  # Without `rust-src`: with it rustc puts the store's path of std's sources into what it compiles.
  stable = pkgs.rust-bin.stable.${matrix.toolchain.stable}.minimal.override {
    extensions = [
      "clippy"
      "llvm-tools"
      "rustfmt"
    ];
  };
  nightly = pkgs.rust-bin.nightly.${matrix.toolchain.nightly}.minimal.override {
    extensions = [
      "llvm-tools"
      "rust-src"
    ];
    # The sanitizer targets bring a standard library that is itself instrumented.
    targets =
      lib.splitString " " matrix.profile.platforms.env.PLATFORMS
      ++ lib.optionals isx86_64 [
        "x86_64-unknown-linux-gnuasan"
        "x86_64-unknown-linux-gnumsan"
        "x86_64-unknown-linux-gnutsan"
      ];
  };
}
