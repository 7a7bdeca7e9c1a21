//! The description of Flight that reflection hands out, so that `grpcurl` needs no files.
//!
//! It is written from the generated types of `arrow-flight`, which ships none: names, numbers and
//! kinds of `arrow/flight/protocol/Flight.proto`.

use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto,
    field_descriptor_proto::{Label, Type},
};

const PACKAGE: &str = "arrow.flight.protocol";
const TIME: &str = ".google.protobuf.Timestamp";

/// The files reflection knows: Flight and the one it imports.
pub(crate) fn descriptors() -> FileDescriptorSet {
    FileDescriptorSet { file: vec![timestamp(), flight()] }
}

/// What a field holds.
#[derive(Clone, Copy)]
enum Kind {
    Scalar(Type),
    Maybe(Type),
    One(&'static str),
    Many(&'static str),
    Texts,
    Choice(&'static str),
}
use Kind::{Choice, Many, Maybe, One, Scalar, Texts};

const BYTES: Kind = Scalar(Type::Bytes);
const TEXT: Kind = Scalar(Type::String);

type Fields = &'static [(&'static str, i32, Kind)];

const MESSAGES: &[(&str, Fields)] = &[
    ("HandshakeRequest", &[("protocol_version", 1, Scalar(Type::Uint64)), ("payload", 2, BYTES)]),
    ("HandshakeResponse", &[("protocol_version", 1, Scalar(Type::Uint64)), ("payload", 2, BYTES)]),
    ("Empty", &[]),
    ("ActionType", &[("type", 1, TEXT), ("description", 2, TEXT)]),
    ("Criteria", &[("expression", 1, BYTES)]),
    ("Action", &[("type", 1, TEXT), ("body", 2, BYTES)]),
    ("Result", &[("body", 1, BYTES)]),
    ("SchemaResult", &[("schema", 1, BYTES)]),
    (
        "FlightDescriptor",
        &[("type", 1, Choice("FlightDescriptor.DescriptorType")), ("cmd", 2, BYTES), ("path", 3, Texts)],
    ),
    (
        "FlightInfo",
        &[
            ("schema", 1, BYTES),
            ("flight_descriptor", 2, One("FlightDescriptor")),
            ("endpoint", 3, Many("FlightEndpoint")),
            ("total_records", 4, Scalar(Type::Int64)),
            ("total_bytes", 5, Scalar(Type::Int64)),
            ("ordered", 6, Scalar(Type::Bool)),
            ("app_metadata", 7, BYTES),
        ],
    ),
    (
        "PollInfo",
        &[
            ("info", 1, One("FlightInfo")),
            ("flight_descriptor", 2, One("FlightDescriptor")),
            ("progress", 3, Maybe(Type::Double)),
            ("expiration_time", 4, One(TIME)),
        ],
    ),
    (
        "FlightEndpoint",
        &[
            ("ticket", 1, One("Ticket")),
            ("location", 2, Many("Location")),
            ("expiration_time", 3, One(TIME)),
            ("app_metadata", 4, BYTES),
        ],
    ),
    ("Location", &[("uri", 1, TEXT)]),
    ("Ticket", &[("ticket", 1, BYTES)]),
    (
        "FlightData",
        &[
            ("flight_descriptor", 1, One("FlightDescriptor")),
            ("data_header", 2, BYTES),
            ("app_metadata", 3, BYTES),
            ("data_body", 1000, BYTES),
        ],
    ),
    ("PutResult", &[("app_metadata", 1, BYTES)]),
];

/// Name, request, response, whether the client streams, whether the server streams.
const METHODS: &[(&str, &str, &str, bool, bool)] = &[
    ("Handshake", "HandshakeRequest", "HandshakeResponse", true, true),
    ("ListFlights", "Criteria", "FlightInfo", false, true),
    ("GetFlightInfo", "FlightDescriptor", "FlightInfo", false, false),
    ("PollFlightInfo", "FlightDescriptor", "PollInfo", false, false),
    ("GetSchema", "FlightDescriptor", "SchemaResult", false, false),
    ("DoGet", "Ticket", "FlightData", false, true),
    ("DoPut", "FlightData", "PutResult", true, true),
    ("DoExchange", "FlightData", "FlightData", true, true),
    ("DoAction", "Action", "Result", false, true),
    ("ListActions", "Empty", "ActionType", false, true),
];

fn flight() -> FileDescriptorProto {
    let method =
        |(name, request, response, client, server): &(&str, &str, &str, bool, bool)| MethodDescriptorProto {
            name: Some((*name).to_owned()),
            input_type: Some(full(request)),
            output_type: Some(full(response)),
            client_streaming: Some(*client),
            server_streaming: Some(*server),
            ..MethodDescriptorProto::default()
        };
    let service = ServiceDescriptorProto {
        name: Some("FlightService".to_owned()),
        method: METHODS.iter().map(method).collect(),
        ..ServiceDescriptorProto::default()
    };
    FileDescriptorProto {
        name: Some("arrow/flight/protocol/Flight.proto".to_owned()),
        package: Some(PACKAGE.to_owned()),
        syntax: Some("proto3".to_owned()),
        dependency: vec!["google/protobuf/timestamp.proto".to_owned()],
        message_type: MESSAGES.iter().map(|(name, fields)| message(name, fields)).collect(),
        service: vec![service],
        ..FileDescriptorProto::default()
    }
}

fn timestamp() -> FileDescriptorProto {
    const FIELDS: Fields = &[("seconds", 1, Scalar(Type::Int64)), ("nanos", 2, Scalar(Type::Int32))];
    FileDescriptorProto {
        name: Some("google/protobuf/timestamp.proto".to_owned()),
        package: Some("google.protobuf".to_owned()),
        syntax: Some("proto3".to_owned()),
        message_type: vec![message("Timestamp", FIELDS)],
        ..FileDescriptorProto::default()
    }
}

fn full(name: &str) -> String {
    if name.starts_with('.') { name.to_owned() } else { format!(".{PACKAGE}.{name}") }
}

fn message(name: &str, fields: Fields) -> DescriptorProto {
    let mut message = DescriptorProto { name: Some(name.to_owned()), ..DescriptorProto::default() };
    for (name, number, kind) in fields {
        let mut field = field(name, *number, *kind);
        if matches!(kind, Maybe(_)) {
            // proto3 says that a scalar may be absent by a choice of one.
            field.oneof_index = Some(message.oneof_decl.len() as i32);
            message.oneof_decl.push(prost_types::OneofDescriptorProto {
                name: Some(format!("_{name}")),
                ..prost_types::OneofDescriptorProto::default()
            });
        }
        message.field.push(field);
    }
    if name == "FlightDescriptor" {
        message.enum_type.push(descriptor_type());
    }
    message
}

fn field(name: &str, number: i32, kind: Kind) -> FieldDescriptorProto {
    let (kind, of, label, maybe) = match kind {
        Scalar(kind) => (kind, None, Label::Optional, None),
        Maybe(kind) => (kind, None, Label::Optional, Some(true)),
        One(of) => (Type::Message, Some(full(of)), Label::Optional, None),
        Many(of) => (Type::Message, Some(full(of)), Label::Repeated, None),
        Texts => (Type::String, None, Label::Repeated, None),
        Choice(of) => (Type::Enum, Some(full(of)), Label::Optional, None),
    };
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        r#type: Some(kind.into()),
        type_name: of,
        label: Some(label.into()),
        proto3_optional: maybe,
        ..FieldDescriptorProto::default()
    }
}

fn descriptor_type() -> EnumDescriptorProto {
    let value = |(number, name): (usize, &&str)| EnumValueDescriptorProto {
        name: Some((*name).to_owned()),
        number: Some(number as i32),
        ..EnumValueDescriptorProto::default()
    };
    EnumDescriptorProto {
        name: Some("DescriptorType".to_owned()),
        value: ["UNKNOWN", "PATH", "CMD"].iter().enumerate().map(value).collect(),
        ..EnumDescriptorProto::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_used_is_described() {
        let flight = flight();
        let named = |name: &String| {
            name == TIME
                || flight.message_type.iter().any(|message| full(message.name()) == *name)
                || *name == full("FlightDescriptor.DescriptorType")
        };
        let used = flight
            .message_type
            .iter()
            .flat_map(|message| &message.field)
            .filter_map(|field| field.type_name.as_ref());
        assert!(used.into_iter().all(named));
        let methods = &flight.service[0].method;
        assert_eq!(methods.len(), 10);
        assert!(
            methods
                .iter()
                .all(|method| named(&method.input_type().to_owned())
                    && named(&method.output_type().to_owned()))
        );
    }
}
