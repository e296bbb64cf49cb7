import JSONTree

/// A tool as its server describes it.
public struct MCPTool: Sendable {
    /// Its name.
    public let name: String
    private let input: JSONSchema?
    private let output: JSONSchema?

    /// Reads an element of `tools`; nil for what is no tool.
    ///
    /// A schema that can't be read checks nothing: it is the server's, and the server checks too.
    init?(_ value: JSONValue) {
        guard let name = value["name"]?.string else { return nil }
        self.name = name
        input = Self.schema(value["inputSchema"])
        output = Self.schema(value["outputSchema"])
    }

    private static func schema(_ value: JSONValue?) -> JSONSchema? {
        value.flatMap { try? JSONSchema($0, pointer: "", unknown: .ignored) }
    }

    /// What is wrong with arguments, as far as it can be told here.
    public func problems(withArguments bytes: [UInt8]) -> [JSONProblem] {
        Self.problems(of: bytes, input)
    }

    /// What is wrong with a structured result.
    public func problems(withResult bytes: [UInt8]) -> [JSONProblem] {
        Self.problems(of: bytes, output)
    }

    private static func problems(of bytes: [UInt8], _ schema: JSONSchema?) -> [JSONProblem] {
        guard let schema else { return [] }
        do throws(JSONError) {
            return schema.problems(with: try JSONDocument(bytes).root)
        } catch {
            return [JSONProblem(pointer: "", detail: "\(error)")]
        }
    }
}

/// A page of a server's tools.
public struct MCPToolPage: Sendable {
    /// The tools on it.
    public let tools: [MCPTool]
    /// Where the next page begins; nil on the last.
    public let nextCursor: String?

    /// Reads the result of `tools/list`.
    public init(_ result: JSONValue) {
        tools = result["tools"]?.elements.compactMap { MCPTool($0) } ?? []
        nextCursor = result["nextCursor"]?.string
    }
}

/// What a tool gave back.
public struct MCPToolResult: Sendable {
    /// The whole result as it came.
    public let source: [UInt8]
    /// Whether the tool says that it failed.
    public let isError: Bool
    /// The structured result, a JSON object.
    public let structured: [UInt8]?
    /// Its texts, joined.
    public let text: String
    private let content: [UInt8]

    /// Reads the result of `tools/call`.
    public init(_ result: JSONValue) {
        source = Array(result.source)
        isError = result["isError"]?.bool == true
        structured = result["structuredContent"].flatMap { $0.kind == .object ? Array($0.source) : nil }
        let blocks = result["content"]
        content = blocks.flatMap { $0.kind == .array ? Array($0.source) : nil } ?? Array("[]".utf8)
        text = blocks?.elements.compactMap { $0["text"]?.string }.joined(separator: "\n") ?? ""
    }

    /// The data of the event that it becomes: the structured result itself, or `{"content": […]}`.
    public var data: [UInt8] {
        if let structured { return structured }
        var writer = JSONWriter()
        writer.object { $0.memberRaw("content", content) }
        return writer.bytes
    }

    /// What the tool says about its failure.
    public var errorText: String { text.isEmpty ? "no words" : text.kept(500) }
}
