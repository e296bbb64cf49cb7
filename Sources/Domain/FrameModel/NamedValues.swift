import JSONTree

/// The fields of a frame that an event can set by a value of the same name at the top of its data.
///
/// A value of another type, or out of range, is as good as none: the event is stored with it, and its frame has the
/// default. Frames are numbers for models, and a wrong one would be worse than a missing one.
public struct NamedValues: Sendable, Equatable {
    /// Who acts.
    public enum Actor: Int32, Sendable, CaseIterable {
        /// A program.
        case system = 0
        /// A person.
        case human = 1
        /// A language model.
        case agent = 2
        /// A tool that an agent called.
        case tool = 3
    }

    /// `workflow_node`, a 32-bit integer; −1 is none.
    public var workflowNode: Int32 = -1
    /// `case_status`, a 32-bit integer.
    public var caseStatus: Int32 = 0
    /// `lead_status`, a 32-bit integer.
    public var leadStatus: Int32 = 0
    /// `actor_type`, an integer from 0 to 3.
    public var actor = Actor.system
    /// `confidence`, from 0 to 1.
    public var confidence: Float = 0
    /// `interrupt`, any number that a `Float` holds.
    public var interrupt: Float = 0

    /// The defaults.
    public init() {}

    /// What an event's data sets; the rest are defaults.
    public init(_ data: JSONValue) {
        func integer(_ name: String) -> Int32? { data[name]?.int64.flatMap(Int32.init(exactly:)) }
        let largest = Double(Float.greatestFiniteMagnitude)
        workflowNode = integer("workflow_node") ?? workflowNode
        caseStatus = integer("case_status") ?? caseStatus
        leadStatus = integer("lead_status") ?? leadStatus
        actor = integer("actor_type").flatMap(Actor.init) ?? actor
        confidence = Self.number("confidence", in: 0...1, of: data) ?? confidence
        interrupt = Self.number("interrupt", in: -largest...largest, of: data) ?? interrupt
    }

    /// `sentiment`, from −1 to 1; nil when the event does not say.
    static func sentiment(of data: JSONValue) -> Float? { number("sentiment", in: -1...1, of: data) }

    private static func number(_ name: String, in range: ClosedRange<Double>, of data: JSONValue) -> Float? {
        data[name]?.double.flatMap { range.contains($0) ? Float($0) : nil }
    }
}
