import EventModel
import EventStore
import PostgresWire
import Runtime
import TestKit
import Testing

@Suite("Tenancy and keys")
struct TenancyTests {
    @Test("Every table with an organization has row-level security, enabled and forced")
    func everyTableIsGuarded() async throws {
        try await withStores { stores in
            let tables = try await stores.owner.query(
                PostgresStatement(
                    "test_tables",
                    """
                    SELECT c.relname::text, c.relrowsecurity AND c.relforcerowsecurity
                    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'
                    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
                    WHERE c.relkind IN ('r', 'p')
                    """))
            #expect(tables.count > 20, "partitions included")
            for table in tables {
                let name = try table.decode(0, as: String.self)
                #expect(try table.decode(1, as: Bool.self), "\(name) is not guarded")
            }
        }
    }

    @Test("What lies outside row-level security is known, and the services own nothing and bypass nothing")
    func catalog() async throws {
        try await withStores { stores in
            func names(_ name: StaticString, _ sql: String) async throws -> [String] {
                try await stores.owner.query(PostgresStatement(name, sql)).map { try $0.decode(0) }
            }
            let unguarded = try await names(
                "test_unguarded",
                """
                SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                    AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
                ORDER BY 1
                """)
            // Ids of keys, positions, heads of parts, versions: nothing of a tenant's.
            #expect(unguarded == ["encryption_keys", "follower_positions", "log_parts", "schema_migrations"])
            let open = try await names(
                "test_views",
                """
                SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'public' AND c.relkind IN ('v', 'm')
                    AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)
                """)
            #expect(open.isEmpty, "views that show what their owner sees: \(open)")
            let roles = "('collider_gateway', 'collider_pipeline', 'collider_admin', 'collider_identity')"
            let owned = try await names(
                "test_owned",
                """
                SELECT c.relname::text FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname IN \(roles)
                """)
            #expect(owned.isEmpty, "owned by a service: \(owned)")
            let mighty = try await names(
                "test_mighty",
                """
                SELECT rolname::text FROM pg_roles
                WHERE (rolname IN \(roles) OR rolname = 'collider_log')
                    AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolcanlogin OR rolreplication)
                """)
            #expect(mighty.isEmpty, "may more than they should: \(mighty)")
            let loose = try await names(
                "test_functions",
                """
                SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE n.nspname = 'public' AND p.prosecdef AND (
                    NOT EXISTS (SELECT FROM unnest(p.proconfig) AS setting WHERE setting LIKE 'search_path=pg_catalog%')
                    OR has_function_privilege('public', p.oid, 'EXECUTE'))
                """)
            #expect(loose.isEmpty, "functions with their owner's rights that anybody may call: \(loose)")
            let others = try await names(
                "test_owned_otherwise",
                """
                SELECT d.classid::regclass || ' ' || d.objid FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
                WHERE d.deptype = 'o' AND r.rolname IN \(roles)
                    AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                """)
            #expect(others.isEmpty, "schemas, functions, types, … owned by a service: \(others)")
            let wide = try await names(
                "test_wide",
                """
                SELECT p.tablename || ': ' || p.policyname FROM pg_policies p
                WHERE p.schemaname = 'public' AND p.roles && '{collider_gateway,public}'
                    AND coalesce(p.qual, '') || coalesce(p.with_check, '') NOT LIKE '%current_organization()%'
                """)
            #expect(wide.isEmpty, "policies that show the gateway more than one organization: \(wide)")
            let granted = try await names(
                "test_public",
                """
                SELECT DISTINCT table_name::text FROM information_schema.role_table_grants
                WHERE grantee = 'PUBLIC' AND table_schema = 'public'
                """)
            #expect(granted.isEmpty, "open to every role: \(granted)")
        }
    }

    @Test("The gateway's own role reads of people their names, and of no stranger")
    func peopleAreHidden() async throws {
        try await withStores { stores in
            let secret = String(repeating: "s", count: 32)
            let people = try PeopleStore(pool: stores.gateway, secret: secret)
            let origin = Origin(address: "192.0.2.1", requestID: "test")
            let made = try await people.register(
                username: "alice", email: "alice@example.com", passwordHash: "hash", invitation: nil, from: origin)
            let own = made.membership.organizationID
            _ = try await people.open(
                for: made.person.id, passwordHash: "hash", organizationID: nil, from: origin)
            for (table, organization, count) in [
                ("(SELECT id, username, email FROM people) p", own, 1),
                ("(SELECT id FROM people) p", stores.organization, 0), ("members", own, 1),
                ("members", stores.organization, 0), ("audit_log", own, 2), ("audit_log", stores.organization, 0),
            ] {
                #expect(try await Self.count(table, stores.gateway, organization) == count, "\(table)")
            }
            for table in [
                "(SELECT password_hash FROM people) p", "sessions", "refresh_tokens", "login_failures", "login_places",
                "(SELECT hash FROM api_keys) k",
            ] {
                await #expect(throws: PostgresError.self, "\(table)") {
                    _ = try await Self.count(table, stores.gateway, own)
                }
            }
        }
    }

    @Test("The gateway sees nothing without an organization, and nothing of another")
    func rowsAreHidden() async throws {
        try await withStores { stores in
            let event = try await stores.makeEvent()
            _ = try await stores.fire(try await stores.makeTrigger(), on: event)
            let stranger = try await stores.makeOrganization()
            for table in ["events", "triggers", "trigger_versions", "firings", "deliveries"] {
                #expect(try await Self.count(table, stores.owner, nil) > 0, "\(table) holds something")
                #expect(try await Self.count(table, stores.gateway, nil) == 0, "\(table) without an organization")
                #expect(try await Self.count(table, stores.gateway, stranger) == 0, "\(table) of another")
                #expect(try await Self.count(table, stores.gateway, stores.organization) > 0, "\(table) of one's own")
            }
        }
    }

    private static func count(_ table: String, _ pool: PostgresPool, _ organization: UniqueID?) async throws -> Int {
        try await pool.withTransaction(organization: organization) { connection in
            // Prepared statements are cached by name, and this one's text differs from table to table.
            try await connection.execute(
                script: "CREATE TEMP TABLE counted ON COMMIT DROP AS SELECT count(*) FROM \(table)")
            return try await connection.query(
                PostgresStatement("test_counted", "SELECT count FROM pg_temp.counted")
            )[0].decode(0)
        }
    }

    @Test("The services' account can take on its roles and is nothing by itself")
    func serviceLogin() async throws {
        try await withMigratedDatabase { configuration in
            let migrator = Migrator(configuration, folder: migrationsFolder, logger: testLogger)
            let login = "login_\(UInt64.random(in: .min ... .max))"
            try await migrator.grantServices(to: login, password: "it's \"quoted\"")
            var service = configuration
            service.user = login
            service.role = "collider_gateway"
            let gateway = try await PostgresConnection.connect(service, logger: testLogger)
            _ = try await gateway.query(PostgresStatement("test_read", "SELECT count(*) FROM events"))
            service.role = nil
            let bare = try await PostgresConnection.connect(service, logger: testLogger)
            await #expect(throws: PostgresError.self) {
                _ = try await bare.query(PostgresStatement("test_read", "SELECT count(*) FROM events"))
            }
            service.role = "collider_admin"
            await #expect(throws: PostgresError.self) {
                _ = try await PostgresConnection.connect(service, logger: testLogger)
            }
            let owner = try await PostgresConnection.connect(configuration, logger: testLogger)
            try await owner.execute(script: "DROP ROLE \(login)")
        }
    }

    @Test("A key opens its organization with its scopes until it is revoked")
    func keys() async throws {
        try await withStores { stores in
            let secret = String(repeating: "s", count: 32)
            let administration = try KeyStore(pool: stores.owner, secret: secret)
            let made = try await administration.create(organization: "acme", name: "test", scopes: [.eventsRead])
            #expect(made.plaintext.hasPrefix("ck_\(made.id)_"))
            let gateway = try KeyStore(pool: stores.gateway, secret: secret)
            let found = try #require(try await gateway.authenticate(made.plaintext))
            #expect(found.organizationID == made.organizationID && found.scopes == [.eventsRead])
            let wrong = made.plaintext.dropLast() + (made.plaintext.hasSuffix("0") ? "1" : "0")
            for text in [String(wrong), "", "ck_", "ck_x_y", made.id, made.plaintext + "0"] {
                #expect(try await gateway.authenticate(text) == nil, "\(text)")
            }
            // Under another secret the stored hash opens nothing.
            let otherPepper = try KeyStore(pool: stores.gateway, secret: String(repeating: "t", count: 32))
            #expect(try await otherPepper.authenticate(made.plaintext) == nil)
            #expect(try await administration.revoke(made.id))
            #expect(try await !administration.revoke(made.id))
            #expect(try await KeyStore(pool: stores.gateway, secret: secret).authenticate(made.plaintext) == nil)
            #expect(try await administration.list().map(\.id) == [made.id])
        }
    }

    @Test("Migrations run twice and at the same time, and notice a file that was changed")
    func migrations() async throws {
        try await withTestDatabase { configuration in
            let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await Migrator(configuration, folder: migrationsFolder, logger: testLogger).run()
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(counts.sorted().dropLast() == [0, 0, 0])
            #expect(counts.max() ?? 0 >= 5)
            let owner = try await PostgresConnection.connect(configuration, logger: testLogger)
            try await owner.execute(script: "UPDATE schema_migrations SET checksum = 'x' WHERE version = 2")
            let error = await #expect(throws: EventStoreError.self) {
                try await Migrator(configuration, folder: migrationsFolder, logger: testLogger).run()
            }
            #expect(error?.message.contains("0002_log was changed") == true)
        }
    }
}
