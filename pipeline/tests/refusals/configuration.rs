//! Configuration from file, environment and flags, as the command line shows and refuses it.

use crate::program::{Place, said};

/// The line of `manpasik config` about a key: its value and where it came from.
#[track_caller]
fn line<'text>(text: &'text str, key: &str) -> (&'text str, &'text str) {
    let is_about = |line: &&str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(" = "));
    let line = text.lines().find(is_about).unwrap_or_else(|| panic!("no {key} in {text}"));
    let (value, source) = line[key.len() + 3..].rsplit_once("  # ").unwrap();
    (value.trim_end(), source)
}

#[test]
fn every_key_of_the_defaults_is_shown_with_its_source() {
    let place = Place::new();
    let shown = place.say(&["config"]).fine();
    let defaults = include_str!("../../default.toml").parse::<toml::Table>().unwrap();
    let mut tables = vec![(String::new(), defaults)];
    let mut count = 0;
    while let Some((prefix, table)) = tables.pop() {
        for (key, value) in table {
            match value {
                toml::Value::Table(below) => tables.push((format!("{prefix}{key}."), below)),
                _ if key == "data_dir" => {
                    let given = format!("\"{}\"", place.data().display());
                    assert_eq!(line(&shown, "data_dir"), (given.as_str(), "--data-dir"));
                    count += 1;
                }
                value => {
                    let expected = value.to_string();
                    assert_eq!(line(&shown, &format!("{prefix}{key}")), (expected.as_str(), "default"));
                    count += 1;
                }
            }
        }
    }
    assert_eq!(count, shown.lines().count(), "{shown}");
}

#[test]
fn file_environment_and_flag_override_each_other_in_this_order() {
    let place = Place::new();
    place.write("m.toml", "[epoch]\ntick_ms = 1\nidle_ms = 2\n[door]\nlisten = \"127.0.0.1:1\"\n");
    let mut command = place.program(&["--config", "m.toml", "--set", "door.listen=127.0.0.1:3", "config"]);
    command.env("MANPASIK_EPOCH__IDLE_MS", "20").env("MANPASIK_DOOR__LISTEN", "127.0.0.1:2");
    let shown = said(command).fine();
    assert_eq!(line(&shown, "workers.count"), ("1", "default"));
    assert_eq!(line(&shown, "epoch.tick_ms"), ("1", "m.toml:2"));
    assert_eq!(line(&shown, "epoch.idle_ms"), ("20", "environment MANPASIK_EPOCH__IDLE_MS"));
    assert_eq!(line(&shown, "door.listen"), ("\"127.0.0.1:3\"", "--set"));
}

#[test]
fn what_cannot_be_used_is_told_with_its_place_and_the_next_step() {
    let place = Place::new();
    place.write("typo.toml", "[door]\n# the port of the clinic\nlisen = \"127.0.0.1:1\"\n");
    place.write("type.toml", "[epoch]\ntick_ms = \"fast\"\n");
    place.write("broken.toml", "[epoch]\ntick_ms 5\n");
    let config = |arguments: &[&str]| place.say(&[arguments, &["config"]].concat());
    config(&["--config", "typo.toml"]).refused(&["typo.toml:3", "\"door.lisen\"", "\"door.listen\""]);
    config(&["--config", "type.toml"]).refused(&["type.toml:2", "\"epoch.tick_ms\"", "integer", "string"]);
    config(&["--config", "broken.toml"]).refused(&["broken.toml:2", "not valid TOML"]);
    config(&["--config", "missing.toml"]).refused(&["missing.toml", "entity not found", "--config"]);
    config(&["--config", "."]).refused(&["is a directory", "--config"]);
    config(&["--set", "door.lisen=x"]).refused(&["--set", "\"door.listen\""]);
    config(&["--set", "door.listen"]).refused(&["KEY=VALUE"]);
    config(&["--workers", "0"]).refused(&["--workers", "\"workers.count\" must be at least 1"]);
    config(&["--workers", "many"]).refused(&["--workers", "integer"]);
    let mut command = place.program(&["run"]);
    command.env("MANPASIK_DOR__LISTEN", "x");
    said(command).refused(&["MANPASIK_DOR__LISTEN", "\"door.listen\""]);
    assert!(!place.data().exists(), "nothing was started");
}

#[test]
fn secrets_are_not_shown() {
    let place = Place::new();
    let text = "[log.kafka.properties]\n\"sasl.username\" = \"clinic\"\n\"sasl.password\" = \"hunter2\"\n\
                \"ssl.key.pem\" = \"hunter2\"\n\"sasl.oauthbearer.config\" = \"hunter2\"\n";
    place.write("m.toml", text);
    let shown = place.say(&["--config", "m.toml", "config"]).fine();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(line(&shown, "log.kafka.properties.sasl.username").0, "\"clinic\"");
    assert_eq!(line(&shown, "log.kafka.properties.sasl.password").1, "m.toml:3");
    let unreachable = ["--config", "m.toml", "--brokers", "127.0.0.1:1", "--set"];
    let flag = "log.kafka.properties.sasl.password=hunter2";
    let failed = place.say(&[&unreachable[..], &[flag, "--listen", "127.0.0.1:0", "run"]].concat());
    assert_eq!(failed.code, Some(1));
    assert!(!failed.err.contains("hunter2"), "{}", failed.err);
}

#[test]
fn help_lists_the_commands() {
    let place = Place::new();
    let help = place.say(&["--help"]).fine();
    for command in ["demo", "run", "sql", "config", "status"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command}: {help}");
        assert!(place.say(&[command, "--help"]).fine().contains("--data-dir"));
    }
    assert_eq!(place.say(&["bogus"]).code, Some(2));
}
