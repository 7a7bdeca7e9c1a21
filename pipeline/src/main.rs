//! The `manpasik` program.
fn main() {}
