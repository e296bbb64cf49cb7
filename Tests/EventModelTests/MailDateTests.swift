import EventModel
import Testing

@Suite("Dates of mails")
struct MailDateTests {
    @Test(
        "A moment is written as RFC 5322 has it",
        arguments: [
            ("1970-01-01T00:00:00Z", "Thu, 1 Jan 1970 00:00:00 +0000"),
            ("1969-12-31T23:59:59.999Z", "Wed, 31 Dec 1969 23:59:59 +0000"),
            ("2024-02-29T12:34:56Z", "Thu, 29 Feb 2024 12:34:56 +0000"),
            ("2026-11-21T01:02:03+02:00", "Fri, 20 Nov 2026 23:02:03 +0000"),
            ("0001-01-01T00:00:00Z", "Mon, 1 Jan 0001 00:00:00 +0000"),
        ])
    func dates(time: String, expected: String) throws {
        #expect(try #require(Timestamp(rfc3339: time)).rfc5322 == expected)
    }
}
