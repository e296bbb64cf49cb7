import EventModel
import JSONTree
import Testing
import TextModel

@Suite("The lexical embedder")
struct LexicalEmbedderTests {
    private func embed(_ type: String, _ data: String = "{}") throws -> [Float] {
        let event = Event(
            id: UniqueID(high: 1, low: 1), organizationID: UniqueID(high: 0, low: 1), part: 0, position: 1, type: type,
            source: "", subject: nil, time: Timestamp(microseconds: 0), receivedAt: Timestamp(microseconds: 0),
            producerID: nil, traceparent: nil, data: Array(data.utf8))
        return LexicalEmbedder().vector(of: try ParsedEvent(event))
    }

    private func text(_ text: String) throws -> [Float] { try embed("T", #"{"text": "\#(text)"}"#) }

    private func similarity(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    @Test("A vector has 1024 values and length 1", arguments: ["a", "PaymentProcessed", "über.größe", "支払い完了", "v1"])
    func isUnit(type: String) throws {
        let vector = try embed(type, #"{"text": "some words and \#(type)"}"#)
        #expect(vector.count == LexicalEmbedder.dimensions)
        #expect(abs(similarity(vector, vector) - 1) < 1e-5)
    }

    @Test("The same event has the same vector, and these values never change")
    func isDeterministic() throws {
        let vector = try embed("PaymentProcessed", #"{"note": "Card was declined, naïvely"}"#)
        #expect(vector == (try embed("PaymentProcessed", #"{"note": "Card was declined, naïvely"}"#)))
        let strongest = vector.indices.sorted { abs(vector[$0]) > abs(vector[$1]) }.prefix(4)
        #expect(Array(strongest) == [13, 110, 609, 171])
    }

    @Test("Texts that share words are nearer than texts that don't")
    func sharedWordsAreNear() throws {
        let payment = try text("the payment of the customer has failed")
        // All have their type in common, which is the least that two can have.
        let far = similarity(payment, try text("new login from unknown device"))
        #expect(similarity(payment, try text("a payment by this customer failed")) > far + 0.2)
        #expect(similarity(payment, try text("payments of customers are failing")) > far + 0.1)
        #expect(far < 0.5)
    }

    @Test("Case, punctuation, keys, numbers and the order of members don't count")
    func whatDoesNotCount() throws {
        let vector = try embed("Note", #"{"a": "Hello, World!", "b": "again"}"#)
        for same in [
            #"{"a": "hello world", "b": "again"}"#, #"{"b": "again", "a": "hello world"}"#,
            #"{"x": ["HELLO", {"y": "world: again"}], "n": 17, "t": true, "z": null}"#,
        ] {
            #expect(similarity(vector, try embed("Note", same)) > 0.9999)
        }
    }

    @Test("Words of a type are told apart by their capitals, dots and dashes")
    func typesAreWords() throws {
        let vector = try embed("PaymentProcessed")
        for same in ["payment.processed", "Payment_Processed", "payment-processed"] {
            #expect(similarity(vector, try embed(same)) > 0.9999)
        }
        #expect(similarity(vector, try embed("PaymentFailed")) > 0.3)
        #expect(similarity(vector, try embed("UserSignup")) < 0.3)
    }

    @Test("Letters of all scripts count, and their case doesn't")
    func scripts() throws {
        #expect(similarity(try text("ПРИВЕТ мир"), try text("привет МИР")) > 0.9999)
        #expect(similarity(try text("Größe"), try text("größe")) > 0.9999)
        let paid = try text("支払いが完了しました")
        #expect(similarity(paid, try text("支払いが失敗しました")) > similarity(paid, try text("привет")))
    }

    @Test("An event without a letter has no vector", arguments: ["!!!", "…", " - "])
    func nothing(type: String) throws {
        #expect(try embed(type, #"{"n": 1}"#) == [])
    }

    @Test("What goes beyond the longest text is not read")
    func isBounded() throws {
        let long = String(repeating: "abc def ", count: EventText.longest / 8 + 1)
        #expect(try text(long) == (try text(long + "something else entirely")))
        #expect(try text(String(repeating: "x", count: 900_000)).count == LexicalEmbedder.dimensions)
        let many = (0..<100_000).map { "\"\($0)\"" }.joined(separator: ",")
        #expect(try embed("T", "{\"items\": [\(many)]}").count == LexicalEmbedder.dimensions)
    }

    @Test("A text has the vector that it has in an event, but for the type")
    func textsAlone() throws {
        let embedder = LexicalEmbedder()
        let text = "The card was declined, naïvely"
        let value = try JSONDocument(#"{"a": ["\#(text)"], "n": 1}"#).root
        #expect(embedder.vector(of: text) == embedder.vector(of: value))
        #expect(embedder.vector(of: text) == (try embed("...", #"{"text": "\#(text)"}"#)))
        #expect(embedder.vector(of: " - ").isEmpty)
    }
}
