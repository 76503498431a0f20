# The image of git-mind: the static program and an empty /tmp, nothing else.
{ buildImage, program }:
buildImage {
  name = "git-mind";
  contents = [ program ];
  entrypoint = [ "/bin/git-mind" ];
}
