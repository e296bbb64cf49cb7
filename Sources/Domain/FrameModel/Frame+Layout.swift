import CFrameLayout
import EventModel

extension Frame {
    /// Writes the frame in its layout; the sequence is left alone, because it belongs to the ring's protocol.
    public func encode(into slot: UnsafeMutablePointer<cfl_frame>) {
        let filled = min(semantic.count, Self.dimensions)
        let values = cfl_semantic(slot)!
        semantic.withUnsafeBufferPointer { source in
            if let first = source.baseAddress { values.update(from: first, count: filled) }
        }
        (values + filled).update(repeating: 0, count: Self.dimensions - filled)
        slot.pointee.frame_id = id
        slot.pointee.delta_time = deltaTime
        slot.pointee.duration_ms = durationMilliseconds
        slot.pointee.velocity = velocity
        slot.pointee.interrupt = named.interrupt
        slot.pointee.timestamp_us = time.microseconds
        slot.pointee.conversation_hash = conversationHash
        slot.pointee.workflow_node = named.workflowNode
        slot.pointee.case_status = named.caseStatus
        slot.pointee.lead_status = named.leadStatus
        slot.pointee.fill_rate = fillRate
        slot.pointee.actor_type = named.actor.rawValue
        slot.pointee.intent_id = intentID
        slot.pointee.sentiment = named.sentiment
        slot.pointee.confidence = named.confidence
        slot.pointee.spin = (spin.w, spin.x, spin.y, spin.z)
        eventID.bytes.withUnsafeBufferPointer { cfl_event_id(slot).update(from: $0.baseAddress!, count: 16) }
        slot.pointee.organization_hash = organizationHash
        slot.pointee.semantic_dimensions = UInt16(filled)
        slot.pointee.flags = flags
        slot.pointee.reserved = 0
    }

    /// Reads a frame from its layout; numbers that no writer of this version writes are brought into range.
    public init(_ slot: UnsafeMutablePointer<cfl_frame>) {
        self.init(
            eventID: UniqueID(bytes: UnsafeBufferPointer(start: cfl_event_id(slot), count: 16)),
            time: Timestamp(microseconds: slot.pointee.timestamp_us), organizationHash: slot.pointee.organization_hash)
        let filled = min(Int(slot.pointee.semantic_dimensions), Self.dimensions)
        let spin = slot.pointee.spin
        id = slot.pointee.frame_id
        conversationHash = slot.pointee.conversation_hash
        semantic = Array(UnsafeBufferPointer(start: cfl_semantic(slot), count: filled))
        self.spin = Spin(w: spin.0, x: spin.1, y: spin.2, z: spin.3)
        deltaTime = slot.pointee.delta_time
        velocity = slot.pointee.velocity
        durationMilliseconds = slot.pointee.duration_ms
        intentID = slot.pointee.intent_id
        fillRate = slot.pointee.fill_rate
        named.interrupt = slot.pointee.interrupt
        named.workflowNode = slot.pointee.workflow_node
        named.caseStatus = slot.pointee.case_status
        named.leadStatus = slot.pointee.lead_status
        named.actor = NamedValues.Actor(rawValue: slot.pointee.actor_type) ?? .system
        named.sentiment = slot.pointee.sentiment
        named.confidence = slot.pointee.confidence
        flags = slot.pointee.flags
    }
}
