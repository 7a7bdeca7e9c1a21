//! `manpasik rules`: the rule sets that ship, and publishing one in another version.

use super::say;
use anyhow::{Context, bail};
use clap::Subcommand;
use pipeline::{clock::wall, config::Config, rules};
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Rules {
    /// Name the sets that ship, their versions and their rules
    List,
    /// Print a set as it ships: the text to begin with
    Show {
        /// Its name, as `list` has it
        #[arg(value_name = "SET")]
        name: String,
    },
    /// Say what stands against publishing a set, with its line
    Check {
        /// The set, TOML
        file: PathBuf,
    },
    /// Have a set hold from now on, for everybody: what is known of them is judged by what changed
    ///
    /// With the embedded log, stop the program first and start it afterwards. With Kafka it need not stop. To go back,
    /// publish what `show` prints.
    Publish {
        /// The set, TOML
        file: PathBuf,
    },
}

pub(crate) fn run(config: &Config, what: &Rules) -> anyhow::Result<()> {
    match what {
        Rules::List => rules::shipped().iter().for_each(|line| say(line)),
        Rules::Show { name } => match rules::text(name) {
            Some(text) => say(text),
            None => bail!("no set \"{name}\" ships: `manpasik rules list` names them"),
        },
        Rules::Check { file } => read(file, wall())?.told.iter().for_each(|line| say(line)),
        Rules::Publish { file } => {
            let at = wall();
            let set = read(file, at)?;
            // Told once it is published: who sees it may rely on it.
            set.publish(config, at)?;
            set.told.iter().for_each(|line| say(line));
        }
    }
    Ok(())
}

fn read(file: &Path, at: i64) -> anyhow::Result<rules::Set> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("could not read {name}: check that it exists and may be read"))?;
    rules::Set::read(&text, at).with_context(|| name.to_string())
}
