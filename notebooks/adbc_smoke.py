"""Asks a running manpasik as an analyst does: ADBC from Python, no files, no drivers to install.

    pip install adbc-driver-flightsql pyarrow
    python notebooks/adbc_smoke.py 127.0.0.1:50051

Needs at least one alert and one window (`manpasik demo` makes both). Prints what it saw and exits with 1 at the first
thing that is not as documented.
"""

import json
import sys

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_manager
import pyarrow.flight as flight

TABLES = {
    "alerts",
    "beats",
    "breathings",
    "calibrations",
    "analyses",
    "coachings",
    "daily_summaries",
    "cartridges",
    "dead_letters",
    "features",
    "fingerprints",
    "glucose_episodes",
    "glucose_readings",
    "glucose_windows",
    "goals",
    "health_records",
    "laboratory_results",
    "measurements",
    "notifications",
    "rhythms",
    "sessions",
    "unread_notifications",
    "vitals",
    "windows",
}
REFUSED = [
    "INSERT INTO vitals (hr) VALUES (1)",
    "DELETE FROM vitals",
    "DROP TABLE vitals",
    "CREATE TABLE mine AS SELECT 1",
    "CREATE EXTERNAL TABLE mine STORED AS CSV LOCATION '/etc/passwd'",
    "COPY (SELECT 1) TO '/tmp/adbc_smoke.csv'",
    "SET datafusion.execution.batch_size = 1",
]


def check(holds, what):
    """Stops the script when something is not as documented."""
    if not holds:
        sys.exit(f"adbc_smoke: {what}")


def one_row(connection, sql, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    check(len(rows) == 1, f"{sql}: expected one row, got {len(rows)}")
    return rows[0]


def list_tables(connection):
    """Tables by schema, with the names of their columns, as tools list them."""
    found = {}
    for catalog in connection.adbc_get_objects(depth="all").read_all().to_pylist():
        for schema in catalog["catalog_db_schemas"]:
            names = found.setdefault(schema["db_schema_name"], {})
            for table in schema["db_schema_tables"]:
                names[table["table_name"]] = [column["column_name"] for column in table["table_columns"]]
    return found


def read_alert(connection):
    """One alert with the values and the records of the log it rests on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT alert_id, rule, level, state, onset, window_start, window_end, findings, offsets"
            " FROM alerts ORDER BY raised_at LIMIT 1"
        )
        rows = cursor.fetch_arrow_table().to_pylist()
    check(len(rows) == 1, "there is no alert; run the demo first")
    alert = rows[0]
    check(alert["findings"], "the alert has no findings")
    for finding in alert["findings"]:
        check(set(finding) == {"parameter", "value", "unit", "observed_at", "score"}, f"finding {finding}")
        check(finding["observed_at"].utcoffset().total_seconds() == 0, "times are in UTC")
    check(alert["offsets"], "the alert names no records of the log")
    for span in alert["offsets"]:
        check(span["first_offset"] <= span["last_offset"], f"offsets {span}")
    return alert


def epoch_of_answer(address):
    """The epoch as the metadata of one answer tell it: of its description and of its schema."""
    with flight.connect(f"grpc://{address}") as client:
        # CommandStatementQuery in an Any, as every Flight SQL client sends it.
        query = b"SELECT as_of_epoch() AS epoch"
        command = b"\x0a" + bytes([len(query)]) + query
        url = b"type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery"
        packed = b"\x0a" + bytes([len(url)]) + url + b"\x12" + bytes([len(command)]) + command
        info = client.get_flight_info(flight.FlightDescriptor.for_command(packed))
        promised = json.loads(info.app_metadata)["as_of_epoch"]
        answer = client.do_get(info.endpoints[0].ticket).read_all()
    shown = answer.schema.metadata[b"as_of_epoch"].decode()
    value = answer["epoch"][0].as_py()
    check(str(promised) == shown == str(value), f"promised {promised}, shown {shown}, selected {value}")
    return promised


def main(address):
    # autocommit: there is nothing to commit behind a door that only reads.
    with flightsql.connect(f"grpc://{address}", autocommit=True) as connection:
        info = connection.adbc_get_info()
        check(info["vendor_name"] == "manpasik", f"vendor {info}")
        print(f"server     {info['vendor_name']} {info['vendor_version']}")

        tables = list_tables(connection)
        check(TABLES == set(tables.get("public", {})), f"tables {sorted(tables.get('public', {}))}")
        check("_row" not in {name for names in tables["public"].values() for name in names}, "_row is visible")
        print(f"tables     {', '.join(f'{name} ({len(columns)})' for name, columns in sorted(tables['public'].items()))}")
        print(f"system     {', '.join(sorted(tables['system']))}")

        windows, good = one_row(connection, "SELECT count(*), count(*) FILTER (WHERE good) FROM windows")
        vitals, people = one_row(connection, "SELECT count(*), count(DISTINCT user_id) FROM vitals")
        check(windows > 0 and vitals > 0, f"{windows} windows, {vitals} vitals; run the demo first")
        print(f"windows    {windows}, {good} good")
        print(f"vitals     {vitals} of {people} people")

        alert = read_alert(connection)
        values = ", ".join(f"{f['parameter']} {f['value']:g} {f['unit']}" for f in alert["findings"])
        spans = ", ".join(f"{s['topic']}/{s['partition']} {s['first_offset']}-{s['last_offset']}" for s in alert["offsets"])
        print(f"alert      {alert['level']} {alert['state']} by {alert['rule']}: {values}; records {spans}")

        # Prepared: the same statement with two values.
        below = "SELECT count(*) FROM vitals WHERE hr < ?"
        none, all_known = (one_row(connection, below, (limit,))[0] for limit in (0.0, 1e6))
        known = one_row(connection, "SELECT count(hr) FROM vitals")[0]
        check(none == 0 and all_known == known, f"prepared: {none} below 0, {all_known} of {known} below 1e6")
        print(f"prepared   {none} below 0/min, {all_known} below 1e6/min")

        print(f"epoch      {epoch_of_answer(address)}")

        for sql in REFUSED:
            try:
                one_row(connection, sql)
            except adbc_driver_manager.Error as error:
                check("only reads" in str(error), f"{sql}: {error}")
            else:
                check(False, f"{sql} was not refused")
        print(f"refused    {len(REFUSED)} statements that write")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
