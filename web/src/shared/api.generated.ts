/* The forms of the API, generated from its description by `npm run types`; do not edit. */
export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What a page needs to know of this installation. */
        About: {
            demo_url: string | null;
            version: string;
        };
        /** @description Why there is no result. */
        ActionFailedOut: {
            action_name: string;
            error: string;
        };
        /** @description What the action did. */
        ActionResultOut: {
            events: {
                [key: string]: components["schemas"]["JsonValue"];
            }[];
            responses: {
                [key: string]: components["schemas"]["JsonValue"];
            }[];
        };
        /** @description What the agent says. */
        AgentMessageIn: {
            text: string;
        };
        /** @description Whether the agent types. */
        AgentTypingIn: {
            active: boolean;
        };
        /** @description What the user made of an offer. */
        AnswerIn: {
            /** @enum {string} */
            outcome: "accepted" | "dismissed" | "ignored";
        };
        /** @description A new version on top of the one the editor started from. */
        ArticleChangeIn: {
            area: string;
            /**
             * @default everyone
             * @enum {string}
             */
            audience?: "everyone" | "users" | "staff";
            base_version: number;
            body: string;
            /** @default en */
            language?: string;
            /**
             * @description Other ways to ask it
             * @default []
             */
            phrasings?: string[];
            /** @default [] */
            plans?: string[];
            /** @default [] */
            product_versions?: string[];
            /** @default null */
            review_by?: string | null;
            /** @default  */
            summary?: string;
            title: string;
        };
        /** @description An article with its newest text; `publish_at` is when that is published by itself. */
        ArticleOut: {
            area: string;
            /** @enum {string} */
            audience: "everyone" | "users" | "staff";
            body: string;
            id: string;
            language: string;
            phrasings: string[];
            plans: string[];
            product_versions: string[];
            publish_at: string | null;
            published_version: number | null;
            review_by: string | null;
            /** @enum {string} */
            status: "draft" | "review" | "published" | "changed" | "archived";
            summary: string;
            title: string;
            /** Format: date-time */
            updated_at: string;
            updated_by: string;
            version: number;
        };
        /** @description A help article that the user was shown; `helpful` is what they said about it. */
        ArticleShown: {
            article_id: string;
            /** @default null */
            helpful: boolean | null;
            seq: number;
            title: string;
            url: string;
            version: number | null;
        };
        /** @description Articles by title. */
        ArticlesOut: {
            articles: components["schemas"]["ArticleOut"][];
        };
        /** @description Filters of the list. */
        ArticlesQuery: {
            /** @default null */
            area?: string | null;
            /** @default null */
            language?: string | null;
            /** @default null */
            q?: string | null;
            /** @default null */
            status?: ("draft" | "review" | "published" | "changed" | "archived") | "" | null;
        };
        /** @description The agent who has the case. */
        AssigneeOut: {
            id: string;
            name: string;
        };
        /** @description One attempt, as it is stored. */
        AttemptBody: {
            article_id: string | null;
            article_version: number | null;
            confidence: number | null;
            conversation_id: string;
            /** Format: date-time */
            created_at: string;
            done: {
                [key: string]: unknown;
            };
            duration_ms: number;
            error: string | null;
            finished_at: string | null;
            host: string;
            id: string;
            intent: string | null;
            kind: string;
            model_version: string | null;
            name: string;
            outcome: string | null;
            read: {
                [key: string]: unknown;
            };
            step: string;
            turn_id: string;
            user_ref: string;
        };
        /** @description One automated attempt of the conversation. */
        AttemptOut: {
            article_id: string | null;
            article_version: number | null;
            confidence: number | null;
            /** Format: date-time */
            created_at: string;
            done: {
                [key: string]: unknown;
            };
            duration_ms: number;
            error: string | null;
            finished_at: string | null;
            id: string;
            intent: string | null;
            kind: string;
            model_version: string | null;
            name: string;
            outcome: ("verified" | "assumed" | "escalated" | "abandoned" | "failed" | "reopened") | null;
            read: {
                [key: string]: unknown;
            };
            turn_id: string;
        };
        /** @description Filters; moments are ISO 8601 with an offset. `open` stands for attempts without an outcome yet. */
        AttemptQuery: {
            /** @default 100 */
            limit?: number;
            /** @default null */
            outcome?: ("verified" | "assumed" | "escalated" | "abandoned" | "failed" | "reopened" | "open") | null;
            /** @default null */
            since?: string | null;
            /** @default null */
            until?: string | null;
        };
        /** @description One automated attempt and what came of it; `read` and `done` are masked. */
        AttemptSummary: {
            /** Format: date-time */
            at: string;
            done: {
                [key: string]: unknown;
            };
            /** @default null */
            duration_ms: number | null;
            /** @default null */
            error: string | null;
            id: string;
            kind: string;
            name: string;
            outcome: ("verified" | "assumed" | "escalated" | "abandoned" | "failed" | "reopened") | null;
            read: {
                [key: string]: unknown;
            };
            turn_id: string | null;
        };
        /** @description Attempts, newest first, and how many there are by outcome in the same span of time. */
        AttemptsBody: {
            attempts: components["schemas"]["AttemptBody"][];
            counts: {
                [key: string]: number;
            };
        };
        /** @description Who wrote an event. */
        AuthorOut: {
            /** @enum {string} */
            kind: "user" | "bot" | "agent" | "system";
            name: string | null;
        };
        /** @description A batch. Without consent nothing is taken; `false` also forgets what was there. */
        BehaviourIn: {
            consent: boolean;
            /** @default [] */
            events?: components["schemas"]["EventIn"][];
            /** @default null */
            sent_at?: string | null;
        };
        /** @description How many events were taken, and what to offer now. */
        BehaviourOut: {
            accepted: number;
            offers: components["schemas"]["OfferOut"][];
        };
        /** @description The circuit breaker of one fix. */
        BreakerOut: {
            case_id: string | null;
            host: string;
            opened: number;
            opened_at: string | null;
            reason: string | null;
            recent: boolean[];
            retry_at: string | null;
            /** @enum {string} */
            state: "closed" | "open" | "half_open";
            workflow: string;
        };
        /** @description The user whom the case is about, as their application names them. */
        CaseContact: {
            email: string | null;
            host: string;
            id: string;
            name: string;
            ref: string;
        };
        /** @description The user whom the case is about. */
        CaseContactOut: {
            email: string | null;
            host: string;
            id: string;
            name: string;
            ref: string;
        };
        /** @description The conversation of the case as it stands now. */
        CaseConversation: {
            /** Format: date-time */
            created_at: string;
            epoch: number;
            id: string;
            last_seq: number;
            owner: components["schemas"]["CaseOwner"];
        };
        /**
         * @description A case with the context that was handed over, and the conversation as it stands now.
         *
         *     `joined` holds the latest of the conversations that joined it.
         */
        CaseDetail: {
            case: components["schemas"]["CaseView"];
            conversation: components["schemas"]["CaseConversation"];
            events: components["schemas"]["EventOut"][];
            joined: components["schemas"]["JoinedView"][];
            packet: components["schemas"]["ContextPacket"] | null;
        };
        /** @description Cases in the order of the queue, and how many are open in all. */
        CaseListView: {
            assigned: number;
            cases: components["schemas"]["CaseView"][];
            queued: number;
        };
        /** @description The open case; `position` counts from 1 and is null once an agent has it. */
        CaseOut: {
            id: string;
            /** @default null */
            position: number | null;
            status: string;
            /** @default null */
            waiting: number | null;
        };
        /** @description Who speaks in the conversation. */
        CaseOwner: {
            /** @enum {string} */
            kind: "bot" | "queue" | "agent";
            name: string | null;
        };
        /** @description The case was closed; there is a `note` only when the user is to read it. */
        CaseResolvedEvent: {
            /** Format: date-time */
            at: string;
            author: components["schemas"]["AuthorOut"];
            client_key: string | null;
            data: components["schemas"]["CaseResolvedPayload"];
            id: string;
            seq: number;
            turn: string | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "case_resolved";
        };
        /** @description The case was closed; there is a `note` only when the user is to read it. */
        CaseResolvedPayload: {
            case: string;
            /** @default  */
            note: string;
            /** @enum {string} */
            outcome: "solved" | "answered" | "not_solved" | "spam";
        } & {
            [key: string]: unknown;
        };
        /** @description A case without its packet. */
        CaseView: {
            asked: boolean;
            assignee: components["schemas"]["AssigneeOut"] | null;
            claimed_at: string | null;
            contact: components["schemas"]["CaseContactOut"];
            conversation_id: string;
            id: string;
            joined: number;
            last_activity_at: string | null;
            note: string | null;
            /** Format: date-time */
            opened_at: string;
            outcome: ("solved" | "answered" | "not_solved" | "spam") | null;
            /** @enum {string} */
            priority: "urgent" | "high" | "normal" | "low";
            reason: string;
            resolved_at: string | null;
            /** @enum {string} */
            status: "queued" | "assigned" | "resolved";
            summary: string;
            waited_seconds: number;
        };
        /** @description `open` is queued and assigned; `mine=1` gives only the caller's. */
        CasesQuery: {
            /** @default 200 */
            limit?: number;
            /** @default false */
            mine?: boolean;
            /**
             * @default open
             * @enum {string}
             */
            status?: "queued" | "assigned" | "resolved" | "open";
        };
        /** @description Whether to take the case from whoever has it (admins). */
        ClaimIn: {
            /** @default false */
            take_over?: boolean;
        };
        /** @description Questions that ask for the same; see `kb_index.questions.unanswered.Cluster`. */
        ClusterOut: {
            after: number | null;
            article_id: string | null;
            before: number | null;
            cost_minutes: number;
            count: number;
            examples: string[];
            handoffs: number;
            id: string;
            label: string;
            trend: number[];
        };
        /** @description The costliest first. */
        ClustersOut: {
            clusters: components["schemas"]["ClusterOut"][];
        };
        /** @description Everything that is handed over. What could not be collected is named in `missing`. */
        ContextPacket: {
            articles: components["schemas"]["ArticleShown"][];
            attempts: components["schemas"]["AttemptSummary"][];
            channel: string;
            client: {
                [key: string]: unknown;
            };
            /** Format: date-time */
            collected_at: string;
            contact: components["schemas"]["CaseContact"];
            /** @default [] */
            missing: string[];
            model_version: string | null;
            page: {
                [key: string]: unknown;
            };
            /** @enum {string} */
            priority: "urgent" | "high" | "normal" | "low";
            reason: string;
            shared: string[];
            state: components["schemas"]["StateSnapshot"];
            summary: components["schemas"]["Summary"];
            transcript: components["schemas"]["TranscriptLine"][];
            transcript_from: number;
            turns: components["schemas"]["TurnReading"][];
        };
        /** @description A conversation as its user sees it. */
        ConversationOut: {
            /** @default null */
            case: components["schemas"]["CaseOut"] | null;
            /** Format: date-time */
            created_at: string;
            epoch: number;
            id: string;
            last_seq: number;
            owner: components["schemas"]["OwnerOut"];
        };
        /** @description A user's conversations, newest first. */
        ConversationsOut: {
            conversations: components["schemas"]["ConversationOut"][];
        };
        /** @description What became of one trigger's offers. */
        CountOut: {
            accepted: number;
            dismissed: number;
            ignored: number;
            offers: number;
            open: number;
            trigger: string;
        };
        /** @description One day's use. */
        DayOut: {
            day: string;
            handed_off: number;
            helped: number;
            not_helped: number;
            shown: number;
        };
        /** @description Something that the user did or saw; `id` makes sending again harmless. */
        EventIn: {
            /** Format: date-time */
            at: string;
            /** @default null */
            code?: string | null;
            id: string;
            /** @default null */
            page?: string | null;
            /** @default null */
            step?: string | null;
            /** @enum {string} */
            type: "action_failed" | "rage_click" | "hesitation" | "error_shown" | "page_view";
        };
        EventOut: components["schemas"]["MessageEvent"] | components["schemas"]["NoticeEvent"] | components["schemas"]["OwnerChangedEvent"] | components["schemas"]["HandoffEvent"] | components["schemas"]["CaseResolvedEvent"] | components["schemas"]["FeedbackEvent"];
        /** @description Events after a cursor; go on from the last one's `seq`. */
        EventsOut: {
            events: components["schemas"]["EventOut"][];
            last_seq: number;
        };
        /** @description `after`: the last number the client has; `wait`: seconds to wait for something newer. */
        EventsQuery: {
            /** @default 0 */
            after?: number;
            /** @default 200 */
            limit?: number;
            /** @default 0 */
            wait?: number;
        };
        /** @description The user said whether the message numbered `about_seq` helped. */
        FeedbackEvent: {
            /** Format: date-time */
            at: string;
            author: components["schemas"]["AuthorOut"];
            client_key: string | null;
            data: components["schemas"]["FeedbackPayload"];
            id: string;
            seq: number;
            turn: string | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "feedback";
        };
        /** @description Whether the message numbered `about_seq` helped. */
        FeedbackIn: {
            about_seq: number;
            /** @default null */
            comment?: string | null;
            helpful: boolean;
        };
        /** @description The user said whether the message numbered `about_seq` helped. */
        FeedbackPayload: {
            about_seq: number;
            /** @default null */
            comment: string | null;
            helpful: boolean;
        } & {
            [key: string]: unknown;
        };
        /** @description What publishing the newest text would change. */
        GateOut: {
            after: components["schemas"]["NumbersOut"];
            before: components["schemas"]["NumbersOut"];
            better: components["schemas"]["MovedOut"][];
            worse: components["schemas"]["MovedOut"][];
        };
        /** @description A case was opened; `shared` are sentences for the user about what the person will see. */
        HandoffEvent: {
            /** Format: date-time */
            at: string;
            author: components["schemas"]["AuthorOut"];
            client_key: string | null;
            data: components["schemas"]["HandoffPayload"];
            id: string;
            seq: number;
            turn: string | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "handoff";
        };
        /** @description What the user says to the person, if anything. */
        HandoffIn: {
            /** @default null */
            text?: string | null;
        };
        /**
         * @description The case that has the request, and its place in the queue.
         *
         *     `joined`: it was open already in another `conversation`, where the person answers.
         */
        HandoffOut: {
            case: string;
            conversation: string;
            /** @default false */
            joined: boolean;
            position: number | null;
        };
        /** @description A case was opened; `shared` are sentences for the user about what the person will see. */
        HandoffPayload: {
            case: string;
            /** @enum {string} */
            priority: "urgent" | "high" | "normal" | "low";
            reason: string;
            shared: string[];
        } & {
            [key: string]: unknown;
        };
        /** @description How self-healing stands: `counts.found` is the sum of the other counts. */
        HealingOut: {
            active: boolean;
            breakers: components["schemas"]["BreakerOut"][];
            counts: {
                [key: string]: number;
            };
            enabled: boolean;
            events_waiting: number;
            problem: string | null;
            runs: components["schemas"]["RunOut"][];
            scans: components["schemas"]["ScanOut"][];
            switch: components["schemas"]["SwitchOut"];
            workflows: {
                [key: string]: string;
            };
        };
        /** @description Which runs to list; `open` stands for those that have not ended. */
        HealingQuery: {
            /** @default 100 */
            limit?: number;
            /** @default null */
            status?: ("open" | "dry_run" | "verified" | "rolled_back" | "failed" | "refused" | "skipped") | null;
        };
        /** @description The process lives. */
        Health: {
            /**
             * @default ok
             * @constant
             */
            status: "ok";
            version: string;
        };
        /** @description What to look for; empty for the list. */
        HelpQuery: {
            /**
             * @description A question or words; only the beginning of a long one is read
             * @default
             */
            q?: string;
        };
        /**
         * @description An article by its best passage; `start` and `end` are offsets in its Markdown. `probability` is that of
         *     this article answering the question.
         */
        HitOut: {
            area: string;
            article_id: string;
            end: number;
            heading: string;
            passage_id: string;
            probability: number;
            quote: string;
            score: number;
            start: number;
            title: string;
            url: string;
            version: number;
            why: components["schemas"]["WhyOut"];
        };
        /** @description Hits, best first; the probability that the first one answers, and what to make of it. */
        HitsOut: {
            /** @enum {string} */
            advice: "answer" | "offer" | "ask" | "none";
            hits: components["schemas"]["HitOut"][];
            probability: number;
        };
        /** @description A picture that was checked and kept. */
        ImageOut: {
            height: number;
            id: string;
            url: string;
            width: number;
        };
        /** @description What became of each file. */
        ImportOut: {
            files: components["schemas"]["TakenOut"][];
        };
        /**
         * @description A further conversation of the user that joined the case; `said` is what they wrote there last.
         *
         *     It stays with the assistant; the agent answers in the case's own.
         */
        JoinedView: {
            conversation_id: string;
            /** Format: date-time */
            joined_at: string;
            reason: string;
            said: string[];
        };
        JsonValue: unknown;
        /** @description A question. */
        KnownIn: {
            question: string;
        };
        /** @description Oldest first. */
        KnownListOut: {
            questions: components["schemas"]["KnownOut"][];
        };
        /** @description A question that the article must answer. */
        KnownOut: {
            created_by: string;
            id: string;
            question: string;
            source: string;
        };
        /** @description A link in the text; `problem` says why it leads nowhere. */
        LinkOut: {
            line: number;
            /** @default null */
            problem: string | null;
            text: string;
            url: string;
        };
        /** @description Links that lead nowhere, and those that leave this site, which are not fetched. */
        LinksOut: {
            broken: components["schemas"]["LinkOut"][];
            checked: number;
            external: components["schemas"]["LinkOut"][];
        };
        /** @description Who is signed in. */
        MeOut: {
            email: string;
            id: string;
            name: string;
            roles: ("agent" | "editor" | "trainer" | "admin")[];
        };
        /**
         * @description Something said. `choice` is the payload of the button that the user pressed; `card` is an object with a
         *     `type`, such as `article`, `resolution` or `step_up`, and workflows may have others.
         */
        MessageEvent: {
            /** Format: date-time */
            at: string;
            author: components["schemas"]["AuthorOut"];
            client_key: string | null;
            data: components["schemas"]["MessagePayload"];
            id: string;
            seq: number;
            turn: string | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "message";
        };
        /** @description A message: `text` as the user wrote it, or a `choice` (a button's payload) with the button's title. */
        MessageIn: {
            /** @default null */
            choice?: string | null;
            /** @default  */
            text?: string;
        };
        /**
         * @description Something said. `choice` is the payload of the button that the user pressed; `card` is an object with a
         *     `type`, such as `article`, `resolution` or `step_up`, and workflows may have others.
         */
        MessagePayload: {
            buttons: components["schemas"]["OfferedChoice"][];
            card: {
                [key: string]: unknown;
            } | null;
            choice: string | null;
            text: string;
        } & {
            [key: string]: unknown;
        };
        /** @description A question whose article stands elsewhere than before; null: not found. */
        MovedOut: {
            article: string;
            question: string;
            rank_after: number | null;
            rank_before: number | null;
        };
        /** @description A new article. */
        NewArticleIn: {
            area: string;
            /**
             * @default everyone
             * @enum {string}
             */
            audience?: "everyone" | "users" | "staff";
            body: string;
            /**
             * @description Made from the title when left out
             * @default null
             */
            id?: string | null;
            /** @default en */
            language?: string;
            /**
             * @description Other ways to ask it
             * @default []
             */
            phrasings?: string[];
            /** @default [] */
            plans?: string[];
            /** @default [] */
            product_versions?: string[];
            /** @default null */
            review_by?: string | null;
            /** @default  */
            summary?: string;
            title: string;
        };
        /** @description Who may speak for the support side from here on; `name` is an agent's. */
        NewOwner: {
            /** @enum {string} */
            kind: "bot" | "queue" | "agent";
            name: string | null;
        } & {
            [key: string]: unknown;
        };
        /** @description A new account. */
        NewStaffIn: {
            email: string;
            name: string;
            roles: ("agent" | "editor" | "trainer" | "admin")[];
        };
        /** @description Something that was put right for the user unasked; `card` is the proof. */
        NoticeEvent: {
            /** Format: date-time */
            at: string;
            author: components["schemas"]["AuthorOut"];
            client_key: string | null;
            data: components["schemas"]["NoticePayload"];
            id: string;
            seq: number;
            turn: string | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "notice";
        };
        /** @description Something that was put right for the user; `card` is the proof. */
        NoticeOut: {
            /** Format: date-time */
            at: string;
            card: {
                [key: string]: unknown;
            } | null;
            id: string;
            text: string;
        };
        /** @description Something that was put right for the user unasked; `card` is the proof. */
        NoticePayload: {
            card: {
                [key: string]: unknown;
            } | null;
            notice: string;
            text: string;
        } & {
            [key: string]: unknown;
        };
        /** @description What the user has not been told yet, oldest first. */
        NoticesOut: {
            notices: components["schemas"]["NoticeOut"][];
        };
        /** @description hit@1 and nDCG@10 over `n` questions. */
        NumbersOut: {
            hit1: number;
            n: number;
            ndcg10: number;
        };
        /** @description An offer to show. */
        OfferOut: {
            /** @default null */
            article: string | null;
            /** @default null */
            card: {
                [key: string]: unknown;
            } | null;
            id: string;
            /** @default null */
            intent: string | null;
            /** @enum {string} */
            kind: "tooltip" | "article" | "workflow" | "tutorial" | "person";
            label: string;
            /** @default 0 */
            seconds: number;
            /** @default null */
            step: string | null;
            /** @default [] */
            steps: string[];
            text: string;
            trigger: string;
        };
        /** @description A button under a message: `title` is what the user reads, `payload` what is sent, such as `/affirm`. */
        OfferedChoice: {
            payload: string;
            title: string;
        } & {
            [key: string]: unknown;
        };
        /** @description How many conversations there are, and how many of each outcome; they add up. */
        OutcomesBody: {
            conversations: number;
            outcomes: {
                [key: string]: number;
            };
        };
        /** @description Conversations begun from `since` on and before `until`; ISO 8601 with an offset. */
        OutcomesQuery: {
            /** @default null */
            since?: string | null;
            /** @default null */
            until?: string | null;
        };
        /** @description The conversation was given to somebody else; `epoch` counts how often that happened. */
        OwnerChangedEvent: {
            /** Format: date-time */
            at: string;
            author: components["schemas"]["AuthorOut"];
            client_key: string | null;
            data: components["schemas"]["OwnerChangedPayload"];
            id: string;
            seq: number;
            turn: string | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "owner_changed";
        };
        /** @description The conversation was given to somebody else; `epoch` counts how often that happened. */
        OwnerChangedPayload: {
            epoch: number;
            owner: components["schemas"]["NewOwner"];
            reason: string;
        } & {
            [key: string]: unknown;
        };
        /** @description Who speaks for the support side. */
        OwnerOut: {
            /** @enum {string} */
            kind: "bot" | "queue" | "agent";
            name: string | null;
        };
        /** @description The page the user is on. */
        PageIn: {
            /** @default  */
            title?: string;
            /** @default  */
            url?: string;
        };
        /** @description The present password (a one-time password also) and the new one. */
        PasswordIn: {
            /** Format: password */
            current: string;
            /** Format: password */
            new: string;
        };
        /** @description Markdown to look at. */
        PreviewIn: {
            body: string;
        };
        /** @description The Markdown as readers would see it, sanitised. */
        PreviewOut: {
            html: string;
        };
        Problem: {
            code: string;
            detail: string;
            errors?: {
                field: string;
                problem: string;
            }[];
            hint: string | null;
            status: number;
            title: string;
            type: string;
        };
        /** @description An article in the order, with its score. */
        RankedOut: {
            article_id: string;
            /** @default  */
            quote: string;
            score: number;
            title: string;
        };
        /** @description Which parts are ready. */
        Readiness: {
            parts: {
                [key: string]: "ok" | "down";
            };
            /** @enum {string} */
            status: "ready" | "degraded";
        };
        /** @description What became of a batch: new events, events that had come before, and events of unknown types. */
        ReceivedOut: {
            accepted: number;
            repeated: number;
            unknown: number;
        };
        /** @description How the case ended; the user sees `note` only with `tell_user`. */
        ResolveIn: {
            /** @default  */
            note?: string;
            /** @enum {string} */
            outcome: "solved" | "answered" | "not_solved" | "spam";
            /** @default false */
            tell_user?: boolean;
        };
        /** @description An older version to save again, on top of the one the editor started from. */
        RestoreIn: {
            base_version: number;
            version: number;
        };
        /** @description A page of conversations, newest first. */
        ReviewList: {
            conversations: components["schemas"]["ReviewRow"][];
        };
        /** @description A conversation with all that is known of its turns. */
        ReviewOut: {
            attempts: components["schemas"]["AttemptOut"][];
            contact_name: string;
            conversation: components["schemas"]["ConversationOut"];
            events: components["schemas"]["EventOut"][];
            turns: components["schemas"]["TurnOut"][];
        };
        /** @description Filters of the list; `before` is the id of the last conversation on the page before. */
        ReviewQuery: {
            /** @default null */
            before?: string | null;
            /** @default 50 */
            limit?: number;
            /** @default null */
            outcome?: string | null;
            /** @default null */
            q?: string | null;
        };
        /** @description A conversation in the list. */
        ReviewRow: {
            contact_name: string;
            id: string;
            /** Format: date-time */
            last_at: string;
            last_text: string;
            outcome: string;
            outcomes: string[];
            owner: string;
            /** Format: date-time */
            started_at: string;
            turns: number;
        };
        /** @description One drift and what became of it. */
        RunOut: {
            applied_at: string | null;
            closed_at: string | null;
            /** Format: date-time */
            due_at: string;
            /** Format: date-time */
            found_at: string;
            host: string;
            id: string;
            mode: string;
            reason: string | null;
            sightings: number;
            source: string;
            status: string;
            tries: number;
            user_ref: string;
            workflow: string;
        };
        /** @description The latest look at all users of an application; `unreadable` and `drifts` are counts of users. */
        ScanOut: {
            drifts: number;
            finished_at: string | null;
            host: string;
            /** Format: date-time */
            next_at: string;
            problem: string | null;
            started_at: string | null;
            unreadable: number;
            users: number;
        };
        /** @description When to publish the newest text. */
        ScheduleIn: {
            /** Format: date-time */
            at: string;
        };
        /** @description A question, and filters. */
        SearchQuery: {
            /** @default null */
            area?: string | null;
            /** @default null */
            language?: string | null;
            /** @default 5 */
            limit?: number;
            /** @default null */
            plan?: string | null;
            /** @default null */
            product_version?: string | null;
            /**
             * @description Only the first 1,000 characters are read
             * @default
             */
            q?: string;
        };
        /** @description The session; `csrf` goes into X-CSRF-Token of every call that changes something. */
        SessionOut: {
            csrf: string;
            /** Format: date-time */
            expires_at: string;
            password_change_required: boolean;
            staff: components["schemas"]["MeOut"];
        };
        /** @description An account and its password. */
        SignInIn: {
            email: string;
            /** Format: password */
            password: string;
        };
        /** @description What to change; what is left out stays. */
        StaffChangeIn: {
            /** @default null */
            disabled?: boolean | null;
            /** @default null */
            name?: string | null;
            /** @default false */
            reset_password?: boolean;
            /** @default null */
            roles?: ("agent" | "editor" | "trainer" | "admin")[] | null;
        };
        /** @description The account after the change; a one-time password is shown only here and only once. */
        StaffChangedOut: {
            /** @default null */
            one_time_password: string | null;
            staff: components["schemas"]["StaffOut"];
        };
        /** @description All accounts. */
        StaffListOut: {
            staff: components["schemas"]["StaffOut"][];
        };
        /** @description An account as admins see it. */
        StaffOut: {
            /** Format: date-time */
            created_at: string;
            disabled: boolean;
            email: string;
            id: string;
            last_sign_in_at: string | null;
            name: string;
            password_change_required: boolean;
            roles: ("agent" | "editor" | "trainer" | "admin")[];
        };
        /** @description The most urgent first. */
        StaleListOut: {
            articles: components["schemas"]["StaleOut"][];
        };
        /** @description A published article to read again: past its day, or old and much used. */
        StaleOut: {
            age_days: number;
            area: string;
            id: string;
            review_by: string | null;
            shown: number;
            title: string;
            /** Format: date-time */
            updated_at: string;
        };
        /** @description This article's rank, null when it is not found; the probability that the first one answers. */
        StandingOut: {
            /** @enum {string} */
            advice: "answer" | "offer" | "ask" | "none";
            hits: components["schemas"]["RankedOut"][];
            probability: number;
            rank: number | null;
        };
        /** @description What is known at the start of a conversation; all of it optional. */
        StartIn: {
            client?: {
                [key: string]: string | number | boolean | null;
            };
            page?: components["schemas"]["PageIn"];
        };
        /** @description What the application said about the user. `problem` says why `parts` is None. */
        StateSnapshot: {
            /** @default null */
            as_of: string | null;
            /** @default null */
            parts: {
                [key: string]: unknown;
            } | null;
            /** @default null */
            problem: string | null;
        };
        /** @description How often an article was shown in answers, and what became of it. */
        StatisticsOut: {
            by_day: components["schemas"]["DayOut"][];
            handed_off: number;
            helped: number;
            not_helped: number;
            shown: number;
        };
        /**
         * @description Plain sentences: what the user wants and why a person, what was tried, what was seen.
         *
         *     `assistant` is what the assistant itself noted, in several lines perhaps.
         */
        Summary: {
            /** @default  */
            assistant: string;
            seen: string;
            tried: string;
            wants: string;
        };
        /** @description What the kill switch is to be. */
        SwitchIn: {
            /** @default null */
            reason?: string | null;
            stopped: boolean;
        };
        /** @description The kill switch. */
        SwitchOut: {
            at: string | null;
            by: string;
            reason: string | null;
            stopped: boolean;
        };
        /** @description What became of one file of an import. */
        TakenOut: {
            id: string | null;
            outcome: string;
            path: string;
            /** @default null */
            problem: string | null;
        };
        /** @description One event of the conversation as it stood when the case was opened. */
        TranscriptLine: {
            /** Format: date-time */
            at: string;
            author: string;
            name: string | null;
            seq: number;
            text: string;
            type: string;
        };
        /** @description As readers find it now, and with this text. */
        TriedOut: {
            after: components["schemas"]["StandingOut"];
            before: components["schemas"]["StandingOut"];
        };
        /** @description All triggers; `problem` says what is wrong with the file, if anything is. */
        TriggersOut: {
            problem: string | null;
            triggers: components["schemas"]["CountOut"][];
        };
        /** @description A question, and the text as it is in the form. */
        TryIn: {
            area: string;
            /**
             * @default everyone
             * @enum {string}
             */
            audience?: "everyone" | "users" | "staff";
            body: string;
            /** @default en */
            language?: string;
            /**
             * @description Other ways to ask it
             * @default []
             */
            phrasings?: string[];
            /** @default [] */
            plans?: string[];
            /** @default [] */
            product_versions?: string[];
            question: string;
            /** @default null */
            review_by?: string | null;
            /** @default  */
            summary?: string;
            title: string;
        };
        /** @description One turn as the assistant understood it. */
        TurnOut: {
            choice: string | null;
            confidence: number | null;
            duration_ms: number | null;
            error: string | null;
            id: string;
            intent: string | null;
            model: string | null;
            ranking: {
                [key: string]: unknown;
            }[];
            seq: number;
            status: string;
            text: string;
        };
        /** @description What the assistant understood of one message. */
        TurnReading: {
            confidence: number | null;
            /** @default null */
            error: string | null;
            intent: string | null;
            model: string | null;
            ranking: {
                [key: string]: unknown;
            }[];
            seq: number;
            status: string;
            text: string;
            turn_id: string;
        };
        /** @description Whether the caller types. */
        TypingIn: {
            active: boolean;
        };
        /** @description The name of a file that is the body itself; its ending says what it is. */
        UploadQuery: {
            /** @default  */
            name?: string;
        };
        /** @description One saved text. */
        VersionOut: {
            area: string;
            /** @enum {string} */
            audience: "everyone" | "users" | "staff";
            body: string;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            language: string;
            phrasings: string[];
            plans: string[];
            product_versions: string[];
            review_by: string | null;
            summary: string;
            title: string;
            version: number;
        };
        /** @description Versions, newest first. */
        VersionsOut: {
            versions: components["schemas"]["VersionOut"][];
        };
        /** @description Cosines with passage and title, the share of the question's words that the passage has, and these. */
        WhyOut: {
            lexical: number;
            matched: string[];
            semantic: number;
            title: number;
        };
        /** @description A workflow, as its class describes it. */
        WorkflowBody: {
            area: string;
            cool_down_seconds: number;
            error_codes: string[];
            id: string;
            intents: string[];
            needs_consent: boolean;
            operations: string[];
            reads: string[];
            retry_limit: number;
            reversible: boolean;
            risk: string;
            symptoms: string[];
            title: string;
            triggers: string[];
            what: string;
        };
        /** @description All workflows, by id. */
        WorkflowsBody: {
            workflows: components["schemas"]["WorkflowBody"][];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type About = components['schemas']['About'];
export type ActionFailedOut = components['schemas']['ActionFailedOut'];
export type ActionResultOut = components['schemas']['ActionResultOut'];
export type AgentMessageIn = components['schemas']['AgentMessageIn'];
export type AgentTypingIn = components['schemas']['AgentTypingIn'];
export type AnswerIn = components['schemas']['AnswerIn'];
export type ArticleChangeIn = components['schemas']['ArticleChangeIn'];
export type ArticleOut = components['schemas']['ArticleOut'];
export type ArticleShown = components['schemas']['ArticleShown'];
export type ArticlesOut = components['schemas']['ArticlesOut'];
export type ArticlesQuery = components['schemas']['ArticlesQuery'];
export type AssigneeOut = components['schemas']['AssigneeOut'];
export type AttemptBody = components['schemas']['AttemptBody'];
export type AttemptOut = components['schemas']['AttemptOut'];
export type AttemptQuery = components['schemas']['AttemptQuery'];
export type AttemptSummary = components['schemas']['AttemptSummary'];
export type AttemptsBody = components['schemas']['AttemptsBody'];
export type AuthorOut = components['schemas']['AuthorOut'];
export type BehaviourIn = components['schemas']['BehaviourIn'];
export type BehaviourOut = components['schemas']['BehaviourOut'];
export type BreakerOut = components['schemas']['BreakerOut'];
export type CaseContact = components['schemas']['CaseContact'];
export type CaseContactOut = components['schemas']['CaseContactOut'];
export type CaseConversation = components['schemas']['CaseConversation'];
export type CaseDetail = components['schemas']['CaseDetail'];
export type CaseListView = components['schemas']['CaseListView'];
export type CaseOut = components['schemas']['CaseOut'];
export type CaseOwner = components['schemas']['CaseOwner'];
export type CaseResolvedEvent = components['schemas']['CaseResolvedEvent'];
export type CaseResolvedPayload = components['schemas']['CaseResolvedPayload'];
export type CaseView = components['schemas']['CaseView'];
export type CasesQuery = components['schemas']['CasesQuery'];
export type ClaimIn = components['schemas']['ClaimIn'];
export type ClusterOut = components['schemas']['ClusterOut'];
export type ClustersOut = components['schemas']['ClustersOut'];
export type ContextPacket = components['schemas']['ContextPacket'];
export type ConversationOut = components['schemas']['ConversationOut'];
export type ConversationsOut = components['schemas']['ConversationsOut'];
export type CountOut = components['schemas']['CountOut'];
export type DayOut = components['schemas']['DayOut'];
export type EventIn = components['schemas']['EventIn'];
export type EventOut = components['schemas']['EventOut'];
export type EventsOut = components['schemas']['EventsOut'];
export type EventsQuery = components['schemas']['EventsQuery'];
export type FeedbackEvent = components['schemas']['FeedbackEvent'];
export type FeedbackIn = components['schemas']['FeedbackIn'];
export type FeedbackPayload = components['schemas']['FeedbackPayload'];
export type GateOut = components['schemas']['GateOut'];
export type HandoffEvent = components['schemas']['HandoffEvent'];
export type HandoffIn = components['schemas']['HandoffIn'];
export type HandoffOut = components['schemas']['HandoffOut'];
export type HandoffPayload = components['schemas']['HandoffPayload'];
export type HealingOut = components['schemas']['HealingOut'];
export type HealingQuery = components['schemas']['HealingQuery'];
export type Health = components['schemas']['Health'];
export type HelpQuery = components['schemas']['HelpQuery'];
export type HitOut = components['schemas']['HitOut'];
export type HitsOut = components['schemas']['HitsOut'];
export type ImageOut = components['schemas']['ImageOut'];
export type ImportOut = components['schemas']['ImportOut'];
export type JoinedView = components['schemas']['JoinedView'];
export type JsonValue = components['schemas']['JsonValue'];
export type KnownIn = components['schemas']['KnownIn'];
export type KnownListOut = components['schemas']['KnownListOut'];
export type KnownOut = components['schemas']['KnownOut'];
export type LinkOut = components['schemas']['LinkOut'];
export type LinksOut = components['schemas']['LinksOut'];
export type MeOut = components['schemas']['MeOut'];
export type MessageEvent = components['schemas']['MessageEvent'];
export type MessageIn = components['schemas']['MessageIn'];
export type MessagePayload = components['schemas']['MessagePayload'];
export type MovedOut = components['schemas']['MovedOut'];
export type NewArticleIn = components['schemas']['NewArticleIn'];
export type NewOwner = components['schemas']['NewOwner'];
export type NewStaffIn = components['schemas']['NewStaffIn'];
export type NoticeEvent = components['schemas']['NoticeEvent'];
export type NoticeOut = components['schemas']['NoticeOut'];
export type NoticePayload = components['schemas']['NoticePayload'];
export type NoticesOut = components['schemas']['NoticesOut'];
export type NumbersOut = components['schemas']['NumbersOut'];
export type OfferOut = components['schemas']['OfferOut'];
export type OfferedChoice = components['schemas']['OfferedChoice'];
export type OutcomesBody = components['schemas']['OutcomesBody'];
export type OutcomesQuery = components['schemas']['OutcomesQuery'];
export type OwnerChangedEvent = components['schemas']['OwnerChangedEvent'];
export type OwnerChangedPayload = components['schemas']['OwnerChangedPayload'];
export type OwnerOut = components['schemas']['OwnerOut'];
export type PageIn = components['schemas']['PageIn'];
export type PasswordIn = components['schemas']['PasswordIn'];
export type PreviewIn = components['schemas']['PreviewIn'];
export type PreviewOut = components['schemas']['PreviewOut'];
export type Problem = components['schemas']['Problem'];
export type RankedOut = components['schemas']['RankedOut'];
export type Readiness = components['schemas']['Readiness'];
export type ReceivedOut = components['schemas']['ReceivedOut'];
export type ResolveIn = components['schemas']['ResolveIn'];
export type RestoreIn = components['schemas']['RestoreIn'];
export type ReviewList = components['schemas']['ReviewList'];
export type ReviewOut = components['schemas']['ReviewOut'];
export type ReviewQuery = components['schemas']['ReviewQuery'];
export type ReviewRow = components['schemas']['ReviewRow'];
export type RunOut = components['schemas']['RunOut'];
export type ScanOut = components['schemas']['ScanOut'];
export type ScheduleIn = components['schemas']['ScheduleIn'];
export type SearchQuery = components['schemas']['SearchQuery'];
export type SessionOut = components['schemas']['SessionOut'];
export type SignInIn = components['schemas']['SignInIn'];
export type StaffChangeIn = components['schemas']['StaffChangeIn'];
export type StaffChangedOut = components['schemas']['StaffChangedOut'];
export type StaffListOut = components['schemas']['StaffListOut'];
export type StaffOut = components['schemas']['StaffOut'];
export type StaleListOut = components['schemas']['StaleListOut'];
export type StaleOut = components['schemas']['StaleOut'];
export type StandingOut = components['schemas']['StandingOut'];
export type StartIn = components['schemas']['StartIn'];
export type StateSnapshot = components['schemas']['StateSnapshot'];
export type StatisticsOut = components['schemas']['StatisticsOut'];
export type Summary = components['schemas']['Summary'];
export type SwitchIn = components['schemas']['SwitchIn'];
export type SwitchOut = components['schemas']['SwitchOut'];
export type TakenOut = components['schemas']['TakenOut'];
export type TranscriptLine = components['schemas']['TranscriptLine'];
export type TriedOut = components['schemas']['TriedOut'];
export type TriggersOut = components['schemas']['TriggersOut'];
export type TryIn = components['schemas']['TryIn'];
export type TurnOut = components['schemas']['TurnOut'];
export type TurnReading = components['schemas']['TurnReading'];
export type TypingIn = components['schemas']['TypingIn'];
export type UploadQuery = components['schemas']['UploadQuery'];
export type VersionOut = components['schemas']['VersionOut'];
export type VersionsOut = components['schemas']['VersionsOut'];
export type WhyOut = components['schemas']['WhyOut'];
export type WorkflowBody = components['schemas']['WorkflowBody'];
export type WorkflowsBody = components['schemas']['WorkflowsBody'];
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
