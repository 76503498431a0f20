# An image of a few packages: reproducible (constant dates, tag by content), never root, and of few
# layers, since a container engine may copy the whole image once for each.
{
  pkgs,
  manifest,
}:
{
  name,
  contents,
  entrypoint,
  env ? [ ],
  extraCommands ? "",
  workingDir ? "/",
}:
pkgs.dockerTools.streamLayeredImage {
  inherit name contents;
  maxLayers = 8;
  created = "1970-01-01T00:00:01Z";
  extraCommands = ''
    mkdir -p tmp
    chmod 1777 tmp
    ${extraCommands}
  '';
  config = {
    Entrypoint = entrypoint;
    Env = env;
    User = "65532:65532";
    WorkingDir = workingDir;
    Labels = {
      "org.opencontainers.image.title" = name;
      "org.opencontainers.image.description" = manifest.package.description;
      "org.opencontainers.image.version" = manifest.package.version;
      "org.opencontainers.image.licenses" = manifest.package.license;
    };
  };
}
