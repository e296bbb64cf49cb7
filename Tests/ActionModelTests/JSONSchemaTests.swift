import JSONTree
import Testing

@testable import ActionModel

@Suite("JSON Schema")
struct JSONSchemaTests {
    private static func schema(
        _ text: String, _ unknown: JSONSchema.UnknownKeywords = .refused
    ) throws -> JSONSchema {
        try JSONSchema(try json(text), pointer: "/s", unknown: unknown)
    }

    /// A schema, values that fit it, and values that don't.
    struct Case: Sendable, CustomTestStringConvertible {
        let schema: String
        let fits: [String]
        let fails: [String]
        var testDescription: String { schema }

        init(_ schema: String, fits: [String], fails: [String]) {
            self.schema = schema
            self.fits = fits
            self.fails = fails
        }
    }

    static let cases: [Case] = [
        Case("true", fits: ["1", "null", "{}"], fails: []),
        Case("false", fits: [], fails: ["1", "null"]),
        Case("{}", fits: ["1", "[]"], fails: []),
        Case(
            #"{"type":"integer"}"#, fits: ["1", "-3", "1.0", "18446744073709551615"], fails: ["1.5", #""1""#, "true"]),
        Case(#"{"type":"number"}"#, fits: ["1", "1.5"], fails: [#""1""#, "null"]),
        Case(#"{"type":["string","null"]}"#, fits: [#""a""#, "null"], fails: ["1", "[]"]),
        Case(#"{"type":"boolean"}"#, fits: ["true", "false"], fails: ["0", "null", #""true""#]),
        Case(#"{"enum":[1,"a",null,{"x":[1]}]}"#, fits: ["1.0", #""a""#, "null", #"{"x":[1]}"#], fails: ["2", "{}"]),
        Case(#"{"const":{"a":1,"b":2}}"#, fits: [#"{"b":2,"a":1.0}"#], fails: [#"{"a":1}"#, "1"]),
        Case(#"{"const":false}"#, fits: ["false"], fails: ["0", "null"]),
        Case(#"{"minimum":1,"maximum":3}"#, fits: ["1", "3.0", #""9""#], fails: ["0.99", "4"]),
        Case(#"{"exclusiveMinimum":1,"exclusiveMaximum":3}"#, fits: ["1.1", "2"], fails: ["1", "3"]),
        Case(
            #"{"minimum":9007199254740993}"#, fits: ["9007199254740993"], fails: ["9007199254740992"]),
        Case(#"{"multipleOf":2}"#, fits: ["4", "0", "-2", "4.0"], fails: ["3", "4.5"]),
        Case(#"{"multipleOf":0.01}"#, fits: ["4.02", "0.07", "1"], fails: ["4.021"]),
        Case(#"{"minLength":2,"maxLength":3}"#, fits: [#""ab""#, #""💶éa""#, "1"], fails: [#""a""#, #""abcd""#]),
        Case(#"{"minItems":1,"maxItems":2}"#, fits: ["[1]", "{}"], fails: ["[]", "[1,2,3]"]),
        Case(#"{"uniqueItems":true}"#, fits: ["[1,2]", #"[{"a":1},{"a":2}]"#], fails: ["[1,1.0]", "[[1],[1]]"]),
        Case(#"{"items":{"type":"integer"}}"#, fits: ["[]", "[1,2]", "{}"], fails: ["[1,null]"]),
        Case(
            #"{"prefixItems":[{"type":"integer"},{"type":"string"}],"items":false}"#,
            fits: ["[]", "[1]", #"[1,"a"]"#], fails: [#"["a"]"#, #"[1,"a",2]"#]),
        Case(#"{"required":["a","é"]}"#, fits: [#"{"a":1,"é":2}"#, "[]"], fails: [#"{"a":1}"#]),
        Case(
            #"{"properties":{"a":{"type":"integer"}}}"#, fits: ["{}", #"{"a":1,"b":2}"#, "1"], fails: [#"{"a":"1"}"#]),
        Case(
            #"{"properties":{"a":{}},"additionalProperties":false}"#, fits: ["{}", #"{"a":1}"#], fails: [#"{"b":1}"#]),
        Case(
            #"{"additionalProperties":{"type":"string"}}"#, fits: [#"{"x":"y"}"#, "{}"], fails: [#"{"x":1}"#]),
        Case(
            #"{"minProperties":1,"maxProperties":2}"#, fits: [#"{"a":1}"#, "[]"],
            fails: ["{}", #"{"a":1,"b":2,"c":3}"#]),
        Case(#"{"anyOf":[{"type":"string"},{"minimum":5}]}"#, fits: [#""a""#, "7"], fails: ["3"]),
        Case(#"{"oneOf":[{"multipleOf":2},{"multipleOf":3}]}"#, fits: ["4", "9"], fails: ["6", "5"]),
        Case(#"{"allOf":[{"type":"integer"},{"minimum":2}]}"#, fits: ["2"], fails: ["1", "2.5"]),
        Case(#"{"not":{"type":"string"}}"#, fits: ["1"], fails: [#""a""#]),
        Case(
            ##"{"$defs":{"n":{"type":"integer"}},"properties":{"a":{"$ref":"#/$defs/n"}}}"##, fits: [#"{"a":1}"#],
            fails: [#"{"a":"x"}"#]),
        Case(
            ##"{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["next"]}"##,
            fits: [#"{"next":{"next":null}}"#], fails: [#"{"next":{"next":3}}"#, "{}"]),
        Case(
            ##"{"$defs":{"a~b/c":{"type":"null"}},"items":{"$ref":"#/$defs/a~0b~1c"}}"##, fits: ["[null]"],
            fails: ["[1]"]),
        Case(
            #"{"title":"t","description":"d","format":"email","default":1,"examples":[],"type":"string"}"#,
            fits: [#""no address""#], fails: ["1"]),
    ]

    @Test("Values fit or don't", arguments: cases)
    func values(_ example: Case) throws {
        let schema = try Self.schema(example.schema)
        for value in example.fits { #expect(schema.problems(with: try json(value)) == [], "\(value)") }
        for value in example.fails { #expect(!schema.problems(with: try json(value)).isEmpty, "\(value)") }
    }

    @Test("Every problem is named at its place")
    func places() throws {
        let schema = try Self.schema(
            #"""
            {"type":"object","required":["name","tags"],"additionalProperties":false,
             "properties":{"name":{"type":"string"},"tags":{"items":{"enum":["a","b"]}},"n":{"maximum":3}}}
            """#)
        let problems = schema.problems(with: try json(#"{"tags":["a","c"],"n":7,"x/y":1}"#))
        #expect(
            problems.map { "\($0.pointer) \($0.detail)" } == [
                "/name is required", #"/tags/1 must be one of "a", "b""#, "/n must be at most 3",
                "/x~1y is not a property here",
            ])
        let none = try Self.schema(#"{"anyOf":[{"type":"string"},{"required":["a"]}]}"#).problems(with: try json("{}"))
        #expect(none.map(\.detail) == ["fits none of its alternatives (must be of type string; /a is required)"])
    }

    @Test("What can't be relied upon is refused when it is read, all at once")
    func refusals() throws {
        let found = problems {
            _ = try Self.schema(
                #"""
                {"type":"text","pattern":"^a","minimum":"1","properties":{"a":3,"b":{"maxLength":-1,"if":{}}},
                 "$ref":"http://example.com/other","enum":[],"anyOf":{},"multipleOf":0}
                """#)
        }
        #expect(
            found.map { String($0.prefix { $0 != ":" }) } == [
                "/s/type", "/s/pattern", "/s/minimum", "/s/properties/a", "/s/properties/b/maxLength",
                "/s/properties/b/if", "/s/$ref", "/s/enum", "/s/anyOf", "/s/multipleOf",
            ])
        #expect(problems { _ = try Self.schema(##"{"$ref":"#/$defs/none"}"##) } == ["/s/$ref: leads to no schema"])
        let deep = String(repeating: #"{"items":"#, count: 40) + "true" + String(repeating: "}", count: 40)
        #expect(problems { _ = try Self.schema(deep) }.count == 1)
    }

    @Test("A schema of somebody else's is checked as far as it is understood")
    func strangers() throws {
        let schema = try Self.schema(
            #"{"type":"object","properties":{"a":{"type":"integer","x-hint":1},"b":{"pattern":"^x"}},"if":{}}"#,
            .ignored)
        #expect(schema.problems(with: try json(#"{"a":1,"b":"y"}"#)) == [])
        #expect(schema.problems(with: try json(#"{"a":"1"}"#)).map(\.pointer) == ["/a"])
    }

    @Test("Checking ends, whatever the schema is")
    func bounds() throws {
        let circle = try Self.schema(##"{"$ref":"#"}"##)
        #expect(!circle.problems(with: try json("1")).isEmpty)
        let branch = ##"{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}],"type":"integer"}"##
        let growing = try Self.schema(##"{"$defs":{"a":\##(branch)},"$ref":"#/$defs/a"}"##)
        #expect(!growing.problems(with: try json("1")).isEmpty)
        let many = "[" + String(repeating: "1,", count: 9_999) + "2]"
        #expect(try Self.schema(#"{"items":{"type":"string"}}"#).problems(with: try json(many)).count == 20)
        #expect(!(try Self.schema(#"{"uniqueItems":true}"#).problems(with: try json(many))).isEmpty)
    }

    @Test("Only what strict structured outputs take is called strict")
    func strictness() throws {
        let strict =
            #"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#
        #expect(try Self.schema(strict).isStrict)
        for loose in [
            #"{"type":"object","properties":{"a":{}},"required":["a"]}"#,
            #"{"type":"object","properties":{"a":{}},"additionalProperties":false}"#,
            #"{"type":"object","properties":{"a":{"maxLength":3}},"required":["a"],"additionalProperties":false}"#,
            #"{"type":"object","properties":{"a":{"type":"object"}},"required":["a"],"additionalProperties":false}"#,
        ] {
            #expect(try !Self.schema(loose).isStrict, "\(loose)")
        }
    }
}
