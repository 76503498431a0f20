//! Where git is right by definition: the same repository, paths, objects, refs and person as git's,
//! which is asked in the same run.

mod combinations;
mod includes;
mod objects;
mod paths;
mod people;
mod refs;
mod rights;
mod world;
