import EventModel
import JSONTree
import Testing

struct FieldPathTests {
    @Test(
        "A path names a member of the event or a place in its data",
        arguments: [
            ("type", "type"), ("source", "source"), ("subject", "subject"), ("id", "id"), ("time", "time"),
            ("received_at", "received_at"), ("data", "data"), ("data.amount", "data.amount"), ("amount", "data.amount"),
            ("items[0].price", "data.items[0].price"), (#"["odd key"]"#, #"data["odd key"]"#),
            ("source.ip", "data.source.ip"),
            ("data.data.x", "data.data.x"), ("data[\"type\"]", "data.type"), ("[0]", "data[0]"), ("Type", "data.Type"),
            ("time.hour", "time.hour"), ("received_at.weekday", "received_at.weekday"),
            (#"time.minute["+05:30"]"#, "time.minute.+05:30"), (#"time.hour["+00:00"]"#, "time.hour"),
            ("time.zone", "data.time.zone"), ("data.time.hour", "data.time.hour"),
        ])
    func canonical(_ text: String, _ canonical: String) throws {
        let path = try FieldPath(text)
        #expect(path.description == canonical)
        #expect(try FieldPath(canonical) == path)
    }

    @Test(
        "What is not a path is refused",
        arguments: [
            "", "a..b", "a[", "data.", ".type", "time.hour.now", "time.hour[0]", #"time.hour["+24:00"]"#,
            #"time.hour["+2:00"]"#, #"time.hour["++1:00"]"#, #"time.hour["+01:00"].x"#,
        ])
    func refused(_ text: String) {
        let error = #expect(throws: JSONValidationError.self) { try FieldPath(text) }
        #expect(error?.problems.count == 1)
    }

    @Test("A path finds what the event holds, or nothing")
    func lookup() throws {
        let data = #"{"amount":12.5,"type":"inner","items":[{"price":3}],"none":null,"odd key":true}"#
        let event = try ParsedEvent(EventTests.event(data: data))
        #expect(try text(event, "type") == "PaymentProcessed")
        #expect(try text(event, "source") == "shop")
        #expect(try text(event, "subject") == "order-7")
        #expect(try text(event, "id") == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
        #expect(try json(event, "data.type")?.string == "inner")
        #expect(try json(event, "amount")?.double == 12.5)
        #expect(try json(event, "data.items[0].price")?.int64 == 3)
        #expect(try json(event, #"data["odd key"]"#)?.bool == true)
        #expect(try json(event, "none")?.isNull == true)
        #expect(try json(event, "data")?.count == 5)
        #expect(try event.value(at: FieldPath("missing")) == nil)
        #expect(try event.value(at: FieldPath("items[1]")) == nil)
        guard case .time(let time)? = event.value(at: try FieldPath("time")) else {
            Issue.record("time is a time")
            return
        }
        #expect(time == event.event.time)
        guard case .time(event.event.receivedAt)? = event.value(at: FieldPath(.receivedAt)) else {
            Issue.record("received_at is a time")
            return
        }
    }

    @Test(
        "A clock shows the hour, the minute and the day of the week, at any offset, before 1970 too",
        arguments: [
            ("2026-03-01T23:30:59Z", "time.hour", 23), ("2026-03-01T23:30:59Z", "time.minute", 30),
            ("2026-03-01T23:30:59Z", "time.weekday", 7), ("2026-03-01T23:30:59Z", #"time.hour["+02:00"]"#, 1),
            ("2026-03-01T23:30:59Z", #"time.weekday["+02:00"]"#, 1),
            ("2026-03-01T00:10:00Z", #"time.hour["-05:30"]"#, 18),
            ("2026-03-01T00:10:00Z", #"time.minute["-05:30"]"#, 40),
            ("2026-03-01T00:10:00Z", #"time.weekday["-05:30"]"#, 6),
            ("1969-12-31T23:59:59.5Z", "time.hour", 23), ("1969-12-31T23:59:59.5Z", "time.weekday", 3),
        ])
    func clock(_ time: String, _ path: String, _ shown: Int64) throws {
        let moment = try #require(Timestamp(rfc3339: time))
        let event = try ParsedEvent(EventTests.event(time: moment))
        #expect(try json(event, path)?.int64 == shown)
    }

    @Test("An event without a subject has no such field")
    func missingSubject() throws {
        let event = try ParsedEvent(EventTests.event(subject: nil))
        #expect(event.value(at: FieldPath(.subject)) == nil)
    }

    private func text(_ event: ParsedEvent, _ path: String) throws -> String? {
        guard case .text(let text)? = event.value(at: try FieldPath(path)) else { return nil }
        return text
    }

    private func json(_ event: ParsedEvent, _ path: String) throws -> JSONValue? {
        guard case .json(let value)? = event.value(at: try FieldPath(path)) else { return nil }
        return value
    }
}
