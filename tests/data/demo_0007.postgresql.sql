SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.alflow_by_trigger_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'only a change of a label writes its history'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION public.alflow_keeps_its_id() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'a label keeps its id' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION public.alflow_label_history() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO label_history (label_id, project_id, item_id, operation, at, before, after) VALUES (
        CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END,
        CASE WHEN TG_OP = 'DELETE' THEN OLD.project_id ELSE NEW.project_id END,
        CASE WHEN TG_OP = 'DELETE' THEN OLD.item_id ELSE NEW.item_id END,
        lower(TG_OP),
        clock_timestamp(),
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
        CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END
    );
    RETURN NULL;
END $$;
CREATE FUNCTION public.alflow_written_once() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION USING
        MESSAGE = TG_TABLE_NAME || ' is written once: ' || lower(TG_OP) || ' is refused',
        ERRCODE = 'integrity_constraint_violation';
END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.account (
    annotator_id integer NOT NULL,
    login character varying(200) NOT NULL,
    email character varying(320),
    password_hash text,
    active boolean NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE TABLE public.adjudication (
    id integer NOT NULL,
    project_id integer NOT NULL,
    item_id integer NOT NULL,
    annotator_id integer NOT NULL,
    class_id integer,
    note text NOT NULL,
    votes jsonb NOT NULL,
    at timestamp with time zone NOT NULL,
    withdrawn_at timestamp with time zone
);
CREATE SEQUENCE public.adjudication_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.adjudication_id_seq OWNED BY public.adjudication.id;
CREATE TABLE public.alflow_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.annotator (
    id integer NOT NULL,
    name character varying(200) NOT NULL
);
CREATE SEQUENCE public.annotator_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.annotator_id_seq OWNED BY public.annotator.id;
CREATE TABLE public.backtest (
    id integer NOT NULL,
    project_id integer,
    name text NOT NULL,
    world character varying(64) NOT NULL,
    n_items integer NOT NULL,
    n_chosen integer NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.backtest_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.backtest_id_seq OWNED BY public.backtest.id;
CREATE TABLE public.candidate (
    id integer NOT NULL,
    round_id integer NOT NULL,
    item_id integer NOT NULL,
    rank integer NOT NULL,
    origin character varying(16) NOT NULL,
    score double precision,
    predicted_class_id integer NOT NULL,
    probabilities jsonb NOT NULL,
    epistemic double precision NOT NULL,
    aleatoric double precision NOT NULL,
    votes_needed integer NOT NULL,
    answers integer DEFAULT 0 NOT NULL,
    chosen_by integer,
    reason text,
    CONSTRAINT ck_candidate_origin CHECK (((origin)::text = ANY ((ARRAY['strategy'::character varying, 'control'::character varying, 'person'::character varying])::text[]))),
    CONSTRAINT ck_candidate_person_of_origin CHECK ((((origin)::text = 'person'::text) = (chosen_by IS NOT NULL)))
);
CREATE SEQUENCE public.candidate_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.candidate_id_seq OWNED BY public.candidate.id;
CREATE TABLE public.class_label (
    id integer NOT NULL,
    project_id integer NOT NULL,
    name character varying(200) NOT NULL,
    display_name text NOT NULL,
    prompts jsonb NOT NULL,
    "position" integer NOT NULL,
    hot_key character varying(16)
);
CREATE SEQUENCE public.class_label_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.class_label_id_seq OWNED BY public.class_label.id;
CREATE TABLE public.evaluation (
    project_id integer NOT NULL,
    round_number integer NOT NULL,
    split character varying(16) NOT NULL,
    n_labels integer NOT NULL,
    n_items integer NOT NULL,
    metrics jsonb NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE TABLE public.gold_check (
    id integer NOT NULL,
    project_id integer NOT NULL,
    item_id integer NOT NULL,
    annotator_id integer NOT NULL,
    due integer NOT NULL,
    dealt_at timestamp with time zone NOT NULL,
    token character varying(100),
    class_id integer,
    "right" boolean,
    seconds double precision,
    answered_at timestamp with time zone
);
CREATE SEQUENCE public.gold_check_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.gold_check_id_seq OWNED BY public.gold_check.id;
CREATE TABLE public.grid_cell (
    grid_page_id integer NOT NULL,
    candidate_id integer NOT NULL,
    probability double precision NOT NULL,
    accepted boolean NOT NULL
);
CREATE TABLE public.grid_page (
    id integer NOT NULL,
    round_id integer NOT NULL,
    annotator_id integer NOT NULL,
    class_id integer NOT NULL,
    token character varying(100) NOT NULL,
    seconds double precision NOT NULL,
    at timestamp with time zone NOT NULL,
    withdrawn_at timestamp with time zone
);
CREATE SEQUENCE public.grid_page_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.grid_page_id_seq OWNED BY public.grid_page.id;
CREATE TABLE public.invitation (
    id integer NOT NULL,
    token_hash character varying(64) NOT NULL,
    project_id integer,
    role character varying(16),
    annotator_id integer,
    email character varying(320),
    invited_by integer,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    accepted_at timestamp with time zone,
    CONSTRAINT ck_invitation_role CHECK (((role)::text = ANY ((ARRAY['annotator'::character varying, 'reviewer'::character varying, 'engineer'::character varying, 'owner'::character varying])::text[]))),
    CONSTRAINT ck_invitation_role_of_project CHECK (((project_id IS NULL) = (role IS NULL)))
);
CREATE SEQUENCE public.invitation_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.invitation_id_seq OWNED BY public.invitation.id;
CREATE TABLE public.item (
    id integer NOT NULL,
    project_id integer NOT NULL,
    content_hash character varying(64) NOT NULL,
    uri text NOT NULL,
    split character varying(16) NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    truth integer,
    CONSTRAINT ck_item_split CHECK (((split)::text = ANY ((ARRAY['pool'::character varying, 'target'::character varying, 'test'::character varying])::text[])))
);
CREATE SEQUENCE public.item_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.item_id_seq OWNED BY public.item.id;
CREATE TABLE public.label (
    id integer NOT NULL,
    project_id integer NOT NULL,
    item_id integer NOT NULL,
    candidate_id integer,
    round_id integer,
    annotator_id integer NOT NULL,
    verdict character varying(16) NOT NULL,
    class_id integer,
    at timestamp with time zone NOT NULL,
    seconds double precision NOT NULL,
    token character varying(100) NOT NULL,
    shown jsonb NOT NULL,
    withdrawn_at timestamp with time zone,
    comment text DEFAULT ''::text NOT NULL,
    proposed_class character varying(200) DEFAULT ''::character varying NOT NULL,
    withdrawn_by integer,
    withdrawn_why text,
    CONSTRAINT ck_label_class_of_verdict CHECK ((((verdict)::text = 'class'::text) = (class_id IS NOT NULL))),
    CONSTRAINT ck_label_proposal CHECK ((((proposed_class)::text = ''::text) OR ((verdict)::text = 'none'::text))),
    CONSTRAINT ck_label_verdict CHECK (((verdict)::text = ANY ((ARRAY['class'::character varying, 'skip'::character varying, 'unsure'::character varying, 'none'::character varying, 'bad'::character varying])::text[])))
);
CREATE TABLE public.label_history (
    id integer NOT NULL,
    label_id integer NOT NULL,
    operation character varying(8) NOT NULL,
    at timestamp with time zone NOT NULL,
    before jsonb,
    after jsonb,
    project_id integer NOT NULL,
    item_id integer NOT NULL
);
CREATE SEQUENCE public.label_history_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.label_history_id_seq OWNED BY public.label_history.id;
CREATE SEQUENCE public.label_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.label_id_seq OWNED BY public.label.id;
CREATE TABLE public.lease (
    candidate_id integer NOT NULL,
    annotator_id integer NOT NULL,
    until timestamp with time zone NOT NULL,
    page character varying(100)
);
CREATE TABLE public.membership (
    project_id integer NOT NULL,
    annotator_id integer NOT NULL,
    role character varying(16) NOT NULL,
    CONSTRAINT ck_membership_role CHECK (((role)::text = ANY ((ARRAY['annotator'::character varying, 'reviewer'::character varying, 'engineer'::character varying, 'owner'::character varying])::text[])))
);
CREATE TABLE public.presence (
    project_id integer NOT NULL,
    annotator_id integer NOT NULL,
    until timestamp with time zone NOT NULL
);
CREATE TABLE public.project (
    id integer NOT NULL,
    name character varying(200) NOT NULL,
    model text NOT NULL,
    "precision" character varying(16) NOT NULL,
    posterior character varying(64),
    settings jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    guidelines text DEFAULT ''::text NOT NULL
);
CREATE SEQUENCE public.project_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.project_id_seq OWNED BY public.project.id;
CREATE TABLE public.rejection (
    id integer NOT NULL,
    project_id integer NOT NULL,
    uri text NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.rejection_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.rejection_id_seq OWNED BY public.rejection.id;
CREATE TABLE public.round (
    id integer NOT NULL,
    project_id integer NOT NULL,
    number integer NOT NULL,
    state character varying(16) NOT NULL,
    strategy character varying(64) NOT NULL,
    budget integer NOT NULL,
    seed bigint NOT NULL,
    configuration jsonb NOT NULL,
    hashes jsonb NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    labelled_at timestamp with time zone,
    closed_at timestamp with time zone,
    CONSTRAINT ck_round_roundstate CHECK (((state)::text = ANY ((ARRAY['open'::character varying, 'labelled'::character varying, 'closed'::character varying])::text[])))
);
CREATE SEQUENCE public.round_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.round_id_seq OWNED BY public.round.id;
CREATE TABLE public.screen (
    hash character varying(64) NOT NULL,
    content jsonb NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE TABLE public.session (
    token_hash character varying(64) NOT NULL,
    annotator_id integer NOT NULL,
    link_hash character varying(64),
    seen_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.sign_in_limit (
    key character varying(80) NOT NULL,
    until timestamp with time zone NOT NULL
);
CREATE TABLE public.trial (
    id integer NOT NULL,
    backtest_id integer NOT NULL,
    key character varying(64) NOT NULL,
    strategy text NOT NULL,
    seed bigint NOT NULL,
    batch integer NOT NULL,
    pool integer NOT NULL,
    domain integer,
    mode character varying(16) NOT NULL,
    control_fraction double precision NOT NULL,
    CONSTRAINT ck_trial_trialmode CHECK (((mode)::text = ANY ((ARRAY['batch'::character varying, 'sequential'::character varying])::text[])))
);
CREATE SEQUENCE public.trial_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trial_id_seq OWNED BY public.trial.id;
CREATE TABLE public.trial_point (
    trial_id integer NOT NULL,
    number integer NOT NULL,
    labels integer NOT NULL,
    accuracy double precision NOT NULL,
    nlpd double precision NOT NULL,
    ece double precision NOT NULL,
    seconds double precision NOT NULL,
    information double precision NOT NULL,
    picked jsonb NOT NULL
);
ALTER TABLE ONLY public.adjudication ALTER COLUMN id SET DEFAULT nextval('public.adjudication_id_seq'::regclass);
ALTER TABLE ONLY public.annotator ALTER COLUMN id SET DEFAULT nextval('public.annotator_id_seq'::regclass);
ALTER TABLE ONLY public.backtest ALTER COLUMN id SET DEFAULT nextval('public.backtest_id_seq'::regclass);
ALTER TABLE ONLY public.candidate ALTER COLUMN id SET DEFAULT nextval('public.candidate_id_seq'::regclass);
ALTER TABLE ONLY public.class_label ALTER COLUMN id SET DEFAULT nextval('public.class_label_id_seq'::regclass);
ALTER TABLE ONLY public.gold_check ALTER COLUMN id SET DEFAULT nextval('public.gold_check_id_seq'::regclass);
ALTER TABLE ONLY public.grid_page ALTER COLUMN id SET DEFAULT nextval('public.grid_page_id_seq'::regclass);
ALTER TABLE ONLY public.invitation ALTER COLUMN id SET DEFAULT nextval('public.invitation_id_seq'::regclass);
ALTER TABLE ONLY public.item ALTER COLUMN id SET DEFAULT nextval('public.item_id_seq'::regclass);
ALTER TABLE ONLY public.label ALTER COLUMN id SET DEFAULT nextval('public.label_id_seq'::regclass);
ALTER TABLE ONLY public.label_history ALTER COLUMN id SET DEFAULT nextval('public.label_history_id_seq'::regclass);
ALTER TABLE ONLY public.project ALTER COLUMN id SET DEFAULT nextval('public.project_id_seq'::regclass);
ALTER TABLE ONLY public.rejection ALTER COLUMN id SET DEFAULT nextval('public.rejection_id_seq'::regclass);
ALTER TABLE ONLY public.round ALTER COLUMN id SET DEFAULT nextval('public.round_id_seq'::regclass);
ALTER TABLE ONLY public.trial ALTER COLUMN id SET DEFAULT nextval('public.trial_id_seq'::regclass);
INSERT INTO public.account VALUES (3, 'ada łovelace', 'ada@example.org', '$argon2id$v=19$m=65536,t=3,p=4$zfm96omTugvy2u4pMVEq1A$5sZUJ+sXr7G5oM9csRwh9mpv5saK7VI1xWGIJnvZHLg', true, '2026-11-28 20:34:41.244782+00');
INSERT INTO public.account VALUES (5, 'zoë', NULL, '$argon2id$v=19$m=65536,t=3,p=4$AML2z7zYgCgZ2OJWC2Hbtg$NLE/E8y4VyvKpfSUcXNN/c2TbOG39WbVldHTpKAed4k', true, '2026-11-28 20:34:41.773335+00');
INSERT INTO public.adjudication VALUES (1, 2, 47, 3, 25, 'Clear enough.', '[1, 15]', '2026-11-28 20:34:40.48429+00', NULL);
INSERT INTO public.alflow_version VALUES ('0007');
INSERT INTO public.annotator VALUES (1, 'simulated annotator');
INSERT INTO public.annotator VALUES (3, 'Ada Łovelace');
INSERT INTO public.annotator VALUES (4, '李 博');
INSERT INTO public.annotator VALUES (5, 'Zoë');
INSERT INTO public.backtest VALUES (1, 2, 'demo-history', '190ca90c3720501fecc81146062b84e5195d6bb8801186104804b943b925ec21', 44, 0, '2026-11-28 20:34:42.379988+00');
INSERT INTO public.candidate VALUES (3, 1, 28, 2, 'strategy', 0.02747209183871746, 15, '{"1": 0.000032058094802778214, "2": 0.0017425420228391886, "3": 0.0016505538951605558, "4": 0.0011046623112633824, "5": 0.06181957572698593, "6": 0.0000002527376921079849, "7": 0.08557587116956711, "8": 0.012783734127879143, "9": 0.049373600631952286, "10": 0.0000017730576473695692, "11": 0.04085543006658554, "12": 0.0004300724540371448, "13": 0.14721150696277618, "14": 0.07003838568925858, "15": 0.5096350908279419, "16": 0.000011761054338421673, "17": 0.0038305611815303564, "18": 0.0000008619373943474784, "19": 0.0000162562464538496, "20": 0.0019752385560423136, "21": 0.010428110137581825, "22": 0.001482185092754662}', 0.017620841041207314, 1.6355565786361694, 1, 0, NULL, NULL);
INSERT INTO public.candidate VALUES (5, 1, 21, 4, 'control', NULL, 13, '{"1": 0.0000002971769959003723, "2": 0.00018882055883295834, "3": 0.0000026596649149723817, "4": 0.0000800268753664568, "5": 0.02324952743947506, "6": 0.00001979282205866184, "7": 0.05629543587565422, "8": 0.005286493804305792, "9": 0.04553041607141495, "10": 0.0000010870147661989904, "11": 0.07965948432683945, "12": 0.0014754049479961395, "13": 0.6357207298278809, "14": 0.02581208571791649, "15": 0.05290193110704422, "16": 0.00000014559888938947552, "17": 0.0676623284816742, "18": 0.00001369806250295369, "19": 0.004069050773978233, "20": 0.0006564769428223372, "21": 0.00016671829507686198, "22": 0.001207480439916253}', 0.011204964481294155, 1.377415418624878, 1, 0, NULL, NULL);
INSERT INTO public.candidate VALUES (8, 2, 72, 2, 'strategy', 0.02747209183871746, 37, '{"23": 0.000032058094802778214, "24": 0.0017425420228391886, "25": 0.0016505538951605558, "26": 0.0011046623112633824, "27": 0.06181957572698593, "28": 0.0000002527376921079849, "29": 0.08557587116956711, "30": 0.012783734127879143, "31": 0.049373600631952286, "32": 0.0000017730576473695692, "33": 0.04085543006658554, "34": 0.0004300724540371448, "35": 0.14721150696277618, "36": 0.07003838568925858, "37": 0.5096350908279419, "38": 0.000011761054338421673, "39": 0.0038305611815303564, "40": 0.0000008619373943474784, "41": 0.0000162562464538496, "42": 0.0019752385560423136, "43": 0.010428110137581825, "44": 0.001482185092754662}', 0.017620841041207314, 1.6355565786361694, 1, 1, NULL, NULL);
INSERT INTO public.candidate VALUES (9, 2, 73, 3, 'strategy', 0.026754632592201233, 33, '{"23": 0.000002956804337372887, "24": 0.17818519473075867, "25": 0.00000040148864854927524, "26": 0.0008885683491826057, "27": 0.025826800614595413, "28": 0.00739459041506052, "29": 0.002030830830335617, "30": 0.036705125123262405, "31": 0.035690292716026306, "32": 0.000019362840248504654, "33": 0.25879526138305664, "34": 0.21585866808891296, "35": 0.03252524510025978, "36": 0.0508977547287941, "37": 0.005621625110507011, "38": 0.00000004469774239623803, "39": 0.016748366877436638, "40": 0.0057685826905071735, "41": 0.0019842435140162706, "42": 0.12135524302721024, "43": 0.00024253182346001267, "44": 0.0034582908265292645}', 0.026215367019176483, 2.0322163105010986, 1, 1, NULL, NULL);
INSERT INTO public.candidate VALUES (10, 2, 65, 4, 'control', NULL, 35, '{"23": 0.0000002971769959003723, "24": 0.00018882055883295834, "25": 0.0000026596649149723817, "26": 0.0000800268753664568, "27": 0.02324952743947506, "28": 0.00001979282205866184, "29": 0.05629543587565422, "30": 0.005286493804305792, "31": 0.04553041607141495, "32": 0.0000010870147661989904, "33": 0.07965948432683945, "34": 0.0014754049479961395, "35": 0.6357207298278809, "36": 0.02581208571791649, "37": 0.05290193110704422, "38": 0.00000014559888938947552, "39": 0.0676623284816742, "40": 0.00001369806250295369, "41": 0.004069050773978233, "42": 0.0006564769428223372, "43": 0.00016671829507686198, "44": 0.001207480439916253}', 0.011204964481294155, 1.377415418624878, 1, 1, NULL, NULL);
INSERT INTO public.candidate VALUES (12, 3, 58, 1, 'strategy', 0.03888162225484848, 39, '{"23": 0.0016831062966957688, "24": 0.0037280127871781588, "25": 0.07076273113489151, "26": 0.0010801233584061265, "27": 0.011577015742659569, "28": 0.019202640280127525, "29": 0.008113469928503036, "30": 0.013205074705183506, "31": 0.03043011948466301, "32": 0.00984543189406395, "33": 0.05070461332798004, "34": 0.051047418266534805, "35": 0.058597810566425323, "36": 0.05385800451040268, "37": 0.033345095813274384, "38": 0.010281442664563656, "39": 0.37028199434280396, "40": 0.05373719707131386, "41": 0.051560018211603165, "42": 0.026010289788246155, "43": 0.054965343326330185, "44": 0.01598304696381092}', 1.4235866069793701, 0.9637300968170166, 1, 1, NULL, NULL);
INSERT INTO public.candidate VALUES (1, 1, 3, 0, 'strategy', 0.06369622051715851, 3, '{"1": 0.0014552075881510973, "2": 0.00001442736538592726, "3": 0.7247223258018494, "4": 0.0002788985730148852, "5": 0.0027127640787512064, "6": 0.000006014915015839506, "7": 0.0000004198748513317696, "8": 0.000103681260952726, "9": 0.12973403930664062, "10": 0.00011777041800087318, "11": 0.005237833596765995, "12": 0.0002651699760463089, "13": 0.01124604046344757, "14": 0.00523280119523406, "15": 0.10170771181583405, "16": 0.0002742463257163763, "17": 0.011981108225882053, "18": 0.0012600356712937355, "19": 0.0000005416924295786885, "20": 0.0035345430951565504, "21": 0.0000940768004511483, "22": 0.000020282883269828744}', 0.014567025005817413, 0.93863844871521, 1, 1, NULL, NULL);
INSERT INTO public.candidate VALUES (2, 1, 1, 1, 'strategy', 0.041888922452926636, 1, '{"1": 0.8034157752990723, "2": 0.00012205461098346859, "3": 0.000000082632709563768, "4": 0.0001594361092429608, "5": 0.004995245952159166, "6": 0.000017512458725832403, "7": 0.0000007626714477737551, "8": 0.000578360806684941, "9": 0.0008840725640766323, "10": 0.0000037217646422504913, "11": 0.13170185685157776, "12": 0.003472719108685851, "13": 0.0006480815936811268, "14": 0.012558861635625362, "15": 0.003110402962192893, "16": 0.00000016692681015229027, "17": 0.00025661216932348907, "18": 0.00003284215563326143, "19": 0.0000014743811789230676, "20": 0.009622575715184212, "21": 0.02744862623512745, "22": 0.0009687472484074533}', 0.01105800922960043, 0.7214604616165161, 1, 1, NULL, NULL);
INSERT INTO public.candidate VALUES (6, 2, 47, 0, 'strategy', 0.06369622051715851, 25, '{"23": 0.0014552075881510973, "24": 0.00001442736538592726, "25": 0.7247223258018494, "26": 0.0002788985730148852, "27": 0.0027127640787512064, "28": 0.000006014915015839506, "29": 0.0000004198748513317696, "30": 0.000103681260952726, "31": 0.12973403930664062, "32": 0.00011777041800087318, "33": 0.005237833596765995, "34": 0.0002651699760463089, "35": 0.01124604046344757, "36": 0.00523280119523406, "37": 0.10170771181583405, "38": 0.0002742463257163763, "39": 0.011981108225882053, "40": 0.0012600356712937355, "41": 0.0000005416924295786885, "42": 0.0035345430951565504, "43": 0.0000940768004511483, "44": 0.000020282883269828744}', 0.014567025005817413, 0.93863844871521, 1, 2, NULL, NULL);
INSERT INTO public.candidate VALUES (7, 2, 45, 1, 'strategy', 0.041888922452926636, 23, '{"23": 0.8034157752990723, "24": 0.00012205461098346859, "25": 0.000000082632709563768, "26": 0.0001594361092429608, "27": 0.004995245952159166, "28": 0.000017512458725832403, "29": 0.0000007626714477737551, "30": 0.000578360806684941, "31": 0.0008840725640766323, "32": 0.0000037217646422504913, "33": 0.13170185685157776, "34": 0.003472719108685851, "35": 0.0006480815936811268, "36": 0.012558861635625362, "37": 0.003110402962192893, "38": 0.00000016692681015229027, "39": 0.00025661216932348907, "40": 0.00003284215563326143, "41": 0.0000014743811789230676, "42": 0.009622575715184212, "43": 0.02744862623512745, "44": 0.0009687472484074533}', 0.01105800922960043, 0.7214604616165161, 1, 0, NULL, NULL);
INSERT INTO public.candidate VALUES (11, 3, 64, 0, 'control', NULL, 36, '{"23": 0.008355798199772835, "24": 0.1211981400847435, "25": 0.005167859606444836, "26": 0.020787237212061882, "27": 0.03681157901883125, "28": 0.02173476293683052, "29": 0.008773820474743843, "30": 0.01862172968685627, "31": 0.022099390625953674, "32": 0.029940776526927948, "33": 0.060102712363004684, "34": 0.03904900699853897, "35": 0.08117567747831345, "36": 0.1262710690498352, "37": 0.05953940749168396, "38": 0.0613100603222847, "39": 0.05181153118610382, "40": 0.01337385643273592, "41": 0.03731100633740425, "42": 0.028184134513139725, "43": 0.05434532091021538, "44": 0.09403514117002487}', 2.4077658653259277, 0.42034125328063965, 1, 1, NULL, NULL);
INSERT INTO public.candidate VALUES (13, 3, 51, 2, 'strategy', 0.02146037481725216, 32, '{"23": 0.000662562670186162, "24": 0.0262951347976923, "25": 0.007836617529392242, "26": 0.04799075052142143, "27": 0.07345318049192429, "28": 0.11307574063539505, "29": 0.004502912983298302, "30": 0.01996435597538948, "31": 0.03953557088971138, "32": 0.21351377665996552, "33": 0.01591811515390873, "34": 0.07045850902795792, "35": 0.06004052236676216, "36": 0.03593293949961662, "37": 0.04674523323774338, "38": 0.064185231924057, "39": 0.04386240616440773, "40": 0.021101877093315125, "41": 0.008549648337066174, "42": 0.07462242245674133, "43": 0.008504023775458336, "44": 0.0032485814299434423}', 1.6216228008270264, 1.0335030555725098, 1, 1, NULL, NULL);
INSERT INTO public.candidate VALUES (14, 3, 71, 3, 'strategy', 0.014674405567348003, 41, '{"23": 0.005352036561816931, "24": 0.028433626517653465, "25": 0.011796839535236359, "26": 0.012620021589100361, "27": 0.03618786856532097, "28": 0.04437048360705376, "29": 0.08807520568370819, "30": 0.07254450768232346, "31": 0.030983392149209976, "32": 0.054619818925857544, "33": 0.03975600376725197, "34": 0.04634929820895195, "35": 0.09041628986597061, "36": 0.06947445869445801, "37": 0.06427600234746933, "38": 0.04480785131454468, "39": 0.04540335386991501, "40": 0.0210694819688797, "41": 0.10408718883991241, "42": 0.02624090388417244, "43": 0.012543893419206142, "44": 0.05059150606393814}', 2.341996669769287, 0.5712108612060547, 1, 1, NULL, NULL);
INSERT INTO public.candidate VALUES (15, 3, 56, 4, 'strategy', 0.013483460061252117, 35, '{"23": 0.005980910733342171, "24": 0.08812184631824493, "25": 0.006534017156809568, "26": 0.04836117476224899, "27": 0.08338354527950287, "28": 0.0369524322450161, "29": 0.01298984419554472, "30": 0.023558227345347404, "31": 0.05984789878129959, "32": 0.05894092097878456, "33": 0.05775447562336922, "34": 0.03437875211238861, "35": 0.13921181857585907, "36": 0.053729671984910965, "37": 0.06763362884521484, "38": 0.027559934183955193, "39": 0.031161639839410782, "40": 0.030040709301829338, "41": 0.027764616534113884, "42": 0.06661580502986908, "43": 0.009465429931879044, "44": 0.030012672767043114}', 2.037194013595581, 0.8319714069366455, 1, 1, NULL, NULL);
INSERT INTO public.candidate VALUES (4, 1, 29, 3, 'strategy', 0.026754632592201233, 11, '{"1": 0.000002956804337372887, "2": 0.17818519473075867, "3": 0.00000040148864854927524, "4": 0.0008885683491826057, "5": 0.025826800614595413, "6": 0.00739459041506052, "7": 0.002030830830335617, "8": 0.036705125123262405, "9": 0.035690292716026306, "10": 0.000019362840248504654, "11": 0.25879526138305664, "12": 0.21585866808891296, "13": 0.03252524510025978, "14": 0.0508977547287941, "15": 0.005621625110507011, "16": 0.00000004469774239623803, "17": 0.016748366877436638, "18": 0.0057685826905071735, "19": 0.0019842435140162706, "20": 0.12135524302721024, "21": 0.00024253182346001267, "22": 0.0034582908265292645}', 0.026215367019176483, 2.0322163105010986, 1, 1, NULL, NULL);
INSERT INTO public.candidate VALUES (16, 1, 2, 5, 'person', NULL, 2, '{"1": 0.00000003107713197891826, "2": 0.7279291749000549, "3": 0.0000005611920528281189, "4": 0.13036511838436127, "5": 0.033588554710149765, "6": 0.0013643810525536537, "7": 0.000019605029592639767, "8": 0.004235179629176855, "9": 0.003854448441416025, "10": 0.012558656744658947, "11": 0.0037596416659653187, "12": 0.009086973965168, "13": 0.024603940546512604, "14": 0.01564854383468628, "15": 0.015366709791123867, "16": 0.00011252538388362154, "17": 0.0005923922290094197, "18": 0.00008256592263933271, "19": 0.0005382780800573528, "20": 0.01155361719429493, "21": 0.0002604314358904958, "22": 0.004478683229535818}', 0.013312198221683502, 1.0784461498260498, 1, 0, 3, 'a rare kind');
INSERT INTO public.class_label VALUES (1, 1, 'worried faces', 'worried faces', '["a drawing of worried faces"]', 0, '1');
INSERT INTO public.class_label VALUES (2, 1, 'hearts', 'hearts', '["a drawing of hearts"]', 1, '2');
INSERT INTO public.class_label VALUES (3, 1, 'people in a role', 'people in a role', '["a drawing of people in a role"]', 2, '3');
INSERT INTO public.class_label VALUES (4, 1, 'mammals', 'mammals', '["a drawing of mammals"]', 3, '4');
INSERT INTO public.class_label VALUES (5, 1, 'birds', 'birds', '["a drawing of birds"]', 4, '5');
INSERT INTO public.class_label VALUES (6, 1, 'fish and insects', 'fish and insects', '["a drawing of fish and insects"]', 5, '6');
INSERT INTO public.class_label VALUES (7, 1, 'plants', 'plants', '["a drawing of plants"]', 6, '7');
INSERT INTO public.class_label VALUES (8, 1, 'fruit and vegetables', 'fruit and vegetables', '["a drawing of fruit and vegetables"]', 7, '8');
INSERT INTO public.class_label VALUES (9, 1, 'meals', 'meals', '["a drawing of meals"]', 8, '9');
INSERT INTO public.class_label VALUES (10, 1, 'sweets and drinks', 'sweets and drinks', '["a drawing of sweets and drinks"]', 9, 'a');
INSERT INTO public.class_label VALUES (11, 1, 'buildings', 'buildings', '["a drawing of buildings"]', 10, 'b');
INSERT INTO public.class_label VALUES (12, 1, 'vehicles', 'vehicles', '["a drawing of vehicles"]', 11, 'c');
INSERT INTO public.class_label VALUES (13, 1, 'clocks', 'clocks', '["a drawing of clocks"]', 12, 'd');
INSERT INTO public.class_label VALUES (14, 1, 'weather', 'weather', '["a drawing of weather"]', 13, 'e');
INSERT INTO public.class_label VALUES (15, 1, 'celebrations', 'celebrations', '["a drawing of celebrations"]', 14, 'f');
INSERT INTO public.class_label VALUES (16, 1, 'sports and games', 'sports and games', '["a drawing of sports and games"]', 15, 'g');
INSERT INTO public.class_label VALUES (17, 1, 'clothes', 'clothes', '["a drawing of clothes"]', 16, 'h');
INSERT INTO public.class_label VALUES (18, 1, 'music and computers', 'music and computers', '["a drawing of music and computers"]', 17, 'i');
INSERT INTO public.class_label VALUES (19, 1, 'paper and mail', 'paper and mail', '["a drawing of paper and mail"]', 18, 'j');
INSERT INTO public.class_label VALUES (20, 1, 'tools', 'tools', '["a drawing of tools"]', 19, 'k');
INSERT INTO public.class_label VALUES (21, 1, 'arrows and letters', 'arrows and letters', '["a drawing of arrows and letters"]', 20, 'l');
INSERT INTO public.class_label VALUES (22, 1, 'geometric shapes', 'geometric shapes', '["a drawing of geometric shapes"]', 21, 'm');
INSERT INTO public.class_label VALUES (23, 2, 'worried faces', 'worried faces', '["a drawing of worried faces"]', 0, '1');
INSERT INTO public.class_label VALUES (24, 2, 'hearts', 'hearts', '["a drawing of hearts"]', 1, '2');
INSERT INTO public.class_label VALUES (25, 2, 'people in a role', 'people in a role', '["a drawing of people in a role"]', 2, '3');
INSERT INTO public.class_label VALUES (26, 2, 'mammals', 'mammals', '["a drawing of mammals"]', 3, '4');
INSERT INTO public.class_label VALUES (27, 2, 'birds', 'birds', '["a drawing of birds"]', 4, '5');
INSERT INTO public.class_label VALUES (28, 2, 'fish and insects', 'fish and insects', '["a drawing of fish and insects"]', 5, '6');
INSERT INTO public.class_label VALUES (29, 2, 'plants', 'plants', '["a drawing of plants"]', 6, '7');
INSERT INTO public.class_label VALUES (30, 2, 'fruit and vegetables', 'fruit and vegetables', '["a drawing of fruit and vegetables"]', 7, '8');
INSERT INTO public.class_label VALUES (31, 2, 'meals', 'meals', '["a drawing of meals"]', 8, '9');
INSERT INTO public.class_label VALUES (32, 2, 'sweets and drinks', 'sweets and drinks', '["a drawing of sweets and drinks"]', 9, 'a');
INSERT INTO public.class_label VALUES (33, 2, 'buildings', 'buildings', '["a drawing of buildings"]', 10, 'b');
INSERT INTO public.class_label VALUES (34, 2, 'vehicles', 'vehicles', '["a drawing of vehicles"]', 11, 'c');
INSERT INTO public.class_label VALUES (35, 2, 'clocks', 'clocks', '["a drawing of clocks"]', 12, 'd');
INSERT INTO public.class_label VALUES (36, 2, 'weather', 'weather', '["a drawing of weather"]', 13, 'e');
INSERT INTO public.class_label VALUES (37, 2, 'celebrations', 'celebrations', '["a drawing of celebrations"]', 14, 'f');
INSERT INTO public.class_label VALUES (38, 2, 'sports and games', 'sports and games', '["a drawing of sports and games"]', 15, 'g');
INSERT INTO public.class_label VALUES (39, 2, 'clothes', 'clothes', '["a drawing of clothes"]', 16, 'h');
INSERT INTO public.class_label VALUES (40, 2, 'music and computers', 'music and computers', '["a drawing of music and computers"]', 17, 'i');
INSERT INTO public.class_label VALUES (41, 2, 'paper and mail', 'paper and mail', '["a drawing of paper and mail"]', 18, 'j');
INSERT INTO public.class_label VALUES (42, 2, 'tools', 'tools', '["a drawing of tools"]', 19, 'k');
INSERT INTO public.class_label VALUES (43, 2, 'arrows and letters', 'arrows and letters', '["a drawing of arrows and letters"]', 20, 'l');
INSERT INTO public.class_label VALUES (44, 2, 'geometric shapes', 'geometric shapes', '["a drawing of geometric shapes"]', 21, 'm');
INSERT INTO public.class_label VALUES (45, 3, 'café', 'café', '["a photo of a café"]', 0, '1');
INSERT INTO public.class_label VALUES (46, 3, 'brücke', 'brücke', '["a photo of a brücke"]', 1, '2');
INSERT INTO public.evaluation VALUES (1, 0, 'test', 0, 8, '{"ece": [0.38251592963933945, 0.31503624841570854, 0.4661184139549732], "aurc": [0.6602678571428572, 0.3, 1.0], "nlpd": [5.54894840188144, 3.355404346012061, 7.4802799072646815], "brier": [1.0531256018993511, 0.7550669612695387, 1.2704969359785936], "accuracy": [0.125, 0.0, 0.375], "error_auroc": [1.0, 1.0, 1.0], "adaptive_ece": [0.38251592963933945, 0.31503624841570854, 0.4661184139549732], "macro_accuracy": [0.125, 0.0, 0.25]}', '2026-11-28 20:34:37.654057+00');
INSERT INTO public.evaluation VALUES (2, 0, 'test', 0, 8, '{"ece": [0.38251592963933945, 0.31503624841570854, 0.4661184139549732], "aurc": [0.6602678571428572, 0.3, 1.0], "nlpd": [5.54894840188144, 3.355404346012061, 7.4802799072646815], "brier": [1.0531256018993511, 0.7550669612695387, 1.2704969359785936], "accuracy": [0.125, 0.0, 0.375], "error_auroc": [1.0, 1.0, 1.0], "adaptive_ece": [0.38251592963933945, 0.31503624841570854, 0.4661184139549732], "macro_accuracy": [0.125, 0.0, 0.25]}', '2026-11-28 20:34:37.927415+00');
INSERT INTO public.evaluation VALUES (2, 1, 'test', 5, 8, '{"ece": [0.18382128328084946, 0.12016448837239296, 0.28378381622023874], "aurc": [0.6602678571428572, 0.3, 1.0], "nlpd": [3.105852794880455, 2.3158036827585526, 3.7496150654521796], "brier": [0.9109992029645635, 0.7280233950928422, 1.0186048440278783], "accuracy": [0.125, 0.0, 0.375], "error_auroc": [1.0, 1.0, 1.0], "adaptive_ece": [0.18382128328084946, 0.12016448837239296, 0.28378381622023874], "macro_accuracy": [0.125, 0.0, 0.25]}', '2026-11-28 20:34:39.088847+00');
INSERT INTO public.evaluation VALUES (2, 1, 'control', 0, 1, '{"ece": [0.6357207298278809, 0.6357207298278809, 0.6357207298278809], "aurc": [1.0, 1.0, 1.0], "nlpd": [15.742410329032454, 15.742410329032454, 15.742410329032454], "brier": [1.4243606331940288, 1.4243606331940288, 1.4243606331940288], "accuracy": [0.0, 0.0, 0.975], "adaptive_ece": [0.6357207298278809, 0.6357207298278809, 0.6357207298278809], "macro_accuracy": [0.0, 0.0, 0.0]}', '2026-11-28 20:34:39.112364+00');
INSERT INTO public.evaluation VALUES (2, 2, 'test', 10, 8, '{"ece": [0.18980848789215088, 0.12716683614999055, 0.3012316699139774], "aurc": [0.6602678571428572, 0.3, 1.0], "nlpd": [3.215741203574165, 2.404242636976101, 3.8788714089927305], "brier": [0.924877801483277, 0.7555112384148012, 1.0246325067218565], "accuracy": [0.125, 0.0, 0.375], "error_auroc": [1.0, 1.0, 1.0], "adaptive_ece": [0.18980848789215088, 0.12716683614999055, 0.3012316699139774], "macro_accuracy": [0.125, 0.0, 0.25]}', '2026-11-28 20:34:39.960343+00');
INSERT INTO public.evaluation VALUES (2, 2, 'control', 5, 2, '{"ece": [0.38099589943885803, 0.1262710690498352, 0.6357207298278809], "aurc": [1.0, 1.0, 1.0], "nlpd": [9.281763601954697, 2.8211168748769424, 15.742410329032454], "brier": [1.1879780945209704, 0.9515955558479121, 1.4243606331940288], "accuracy": [0.0, 0.0, 0.841886116991581], "adaptive_ece": [0.38099589943885803, 0.1262710690498352, 0.6357207298278809], "macro_accuracy": [0.0, 0.0, 0.0]}', '2026-11-28 20:34:39.982184+00');
INSERT INTO public.gold_check VALUES (1, 1, 41, 3, 1, '2026-11-28 20:34:40.212531+00', 'gold-1', 12, true, 2, '2026-11-28 20:34:40.241429+00');
INSERT INTO public.gold_check VALUES (2, 1, 44, 3, 1, '2026-11-28 20:34:40.259872+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.grid_cell VALUES (1, 4, 0.25879526138305664, true);
INSERT INTO public.grid_page VALUES (1, 1, 4, 11, '96a90f65b1f74fddbcfcb44134da9f27', 3, '2026-11-28 20:34:40.363218+00', NULL);
INSERT INTO public.invitation VALUES (2, '71dc0dd171069c9f78c316771c78cc2d0c479e6cf024ce7e515e77af7aa8080c', 1, 'annotator', NULL, 'bo@example.org', NULL, '2026-11-28 20:34:41.296112+00', '2026-12-05 20:34:41.296112+00', NULL);
INSERT INTO public.invitation VALUES (1, 'e28ce7295613a14efbe4fe9199e980f75af4bea2b10690a28e447d0279992aa3', 1, 'reviewer', NULL, NULL, NULL, '2026-11-28 20:34:41.279799+00', '2026-12-05 20:34:41.279799+00', '2026-11-28 20:34:41.773335+00');
INSERT INTO public.item VALUES (1, 1, '5c07d69de94e2704851c7af752ff645208bbeb00eb5a0e762bd0128c08d17b97', '/data/alflow/demo-images/images/1f615.png', 'pool', 256, 256, 1);
INSERT INTO public.item VALUES (2, 1, '94b9e598e7a019d67d72a52a536360f537c27af262b179e852afe62f790c1be4', '/data/alflow/demo-images/images/1f49d.png', 'pool', 256, 256, 2);
INSERT INTO public.item VALUES (3, 1, '5400aa87faa57df8a0034c6a49a8716002d8cd15cb67c2dfc42687705792d432', '/data/alflow/demo-images/images/1f977.png', 'pool', 256, 256, 3);
INSERT INTO public.item VALUES (4, 1, '370e514325bf3ac8643dcfabe22c49ec421f4fbce0cc7d2fad0c276d65871b3b', '/data/alflow/demo-images/images/1f405.png', 'pool', 256, 256, 4);
INSERT INTO public.item VALUES (5, 1, '30b6f1ac7e9374531f8dd884f14150465de6e6567e03e224e800ebe30ebfaeff', '/data/alflow/demo-images/images/1f42d.png', 'pool', 256, 256, 4);
INSERT INTO public.item VALUES (6, 1, '82f51d007091b912ff0cd0512d8d5d014410131dcb3e8005e10a88ac7069075e', '/data/alflow/demo-images/images/1f423.png', 'pool', 256, 256, 5);
INSERT INTO public.item VALUES (7, 1, 'f29384d1335f30a6b4ad034c5950ab5b20cf7a6c526964f8d696be816147d24b', '/data/alflow/demo-images/images/1f980.png', 'pool', 256, 256, 6);
INSERT INTO public.item VALUES (8, 1, '3f4dba367b7d0f2773baf8890d11d90207f584ba9e9df1bd40262f17d3629444', '/data/alflow/demo-images/images/1fab7.png', 'pool', 256, 256, 7);
INSERT INTO public.item VALUES (9, 1, '9fd8a9aaae8d8377c30670cd1c4b156ee8d794c0b258ab6d341e721b58d61805', '/data/alflow/demo-images/images/1f34a.png', 'pool', 256, 256, 8);
INSERT INTO public.item VALUES (10, 1, '4ddae69c8ed92758b7f65360386f75661eca2a44b398fcb21243bfcbaecb6871', '/data/alflow/demo-images/images/1f9c4.png', 'pool', 256, 256, 8);
INSERT INTO public.item VALUES (11, 1, 'f84465f99bc1d20aa74cd8ab97769d1aaf8d1726efa6567fc3eb255f7369a8c1', '/data/alflow/demo-images/images/1f959.png', 'pool', 256, 256, 9);
INSERT INTO public.item VALUES (12, 1, '770f7f620e2011334741c2283f3a459414d8a9b2bce4e3a550483009c319aaed', '/data/alflow/demo-images/images/1f362.png', 'pool', 256, 256, 9);
INSERT INTO public.item VALUES (13, 1, '6141efc6fef82d06ce649546661201dbe55a021fcdd2ffd248805f5729fd7f58', '/data/alflow/demo-images/images/1f95b.png', 'pool', 256, 256, 10);
INSERT INTO public.item VALUES (14, 1, '2635f3406f8cf151a974813e2254dd7b1dea0cb31dce8a46048bf37ca5e89865', '/data/alflow/demo-images/images/1f3e5.png', 'pool', 256, 256, 11);
INSERT INTO public.item VALUES (15, 1, '3e610d761299da776fa0ddcba1e909e9d4dcdd144e93abed24ba8acb711222d0', '/data/alflow/demo-images/images/1f68c.png', 'pool', 256, 256, 12);
INSERT INTO public.item VALUES (16, 1, '9dd9d8942d3e93c9ec0100bee535f901d4fcd6167648573b3268194258797726', '/data/alflow/demo-images/images/1f6b2.png', 'pool', 256, 256, 12);
INSERT INTO public.item VALUES (17, 1, '88928f88aeceb30cfeed6158b3fc548959b337d8883c5b4bacbf999cfef74074', '/data/alflow/demo-images/images/23f3.png', 'pool', 256, 256, 13);
INSERT INTO public.item VALUES (18, 1, 'b2d5e7553f4cec650a539671285e8c86b49bf96051cb9da02ce1a2b8af4ad453', '/data/alflow/demo-images/images/1f565.png', 'pool', 256, 256, 13);
INSERT INTO public.item VALUES (19, 1, '7a1369a6e79f2c3c1e6bdb784b7511ad244cebf403a6a0b1eb680bbad8071bc5', '/data/alflow/demo-images/images/2601.png', 'pool', 256, 256, 14);
INSERT INTO public.item VALUES (20, 1, 'dfc897544b0d70e9ee618e8d9e668cbe7a5b7441b04a44c6dfc68db8df29a4f5', '/data/alflow/demo-images/images/1f9e8.png', 'pool', 256, 256, 15);
INSERT INTO public.item VALUES (21, 1, 'a789e6d9021096af09233ef7dd195cd34930608f98eae47b82268112e6ee13b2', '/data/alflow/demo-images/images/1f3cf.png', 'pool', 256, 256, 16);
INSERT INTO public.item VALUES (22, 1, '017c15c24932f73738161c75368361cf202719428c8b1c5a3bbf2a536bb866e8', '/data/alflow/demo-images/images/1f579.png', 'pool', 256, 256, 16);
INSERT INTO public.item VALUES (23, 1, '37577c6b86292c4f5af7e69e35e8dd5456b1dece39fcba0e04ce29fb48fdfb78', '/data/alflow/demo-images/images/1fa71.png', 'pool', 256, 256, 17);
INSERT INTO public.item VALUES (24, 1, '0917f2cf94da48348a87715b5081e5ddc351b89ff678cf5d123297a92f508629', '/data/alflow/demo-images/images/1f452.png', 'pool', 256, 256, 17);
INSERT INTO public.item VALUES (25, 1, '5c85de4444211e8ffb1adee811a232a2b9865368050029d42a1d097b60f1e29a', '/data/alflow/demo-images/images/1faab.png', 'pool', 256, 256, 18);
INSERT INTO public.item VALUES (26, 1, '95a4a612434e778e7a7db853d08ba1ed81f8f0bf8fe323afe5e44bb5104ab851', '/data/alflow/demo-images/images/1f4e7.png', 'pool', 256, 256, 19);
INSERT INTO public.item VALUES (27, 1, 'f1fe2c6dd14689b25ac88d65dc4adc815150ae587016da99a37921c919a2e485', '/data/alflow/demo-images/images/1f4d0.png', 'pool', 256, 256, 19);
INSERT INTO public.item VALUES (28, 1, '0690eb82d0ae48fcaaf8d7c9549fed055347b8157768fe888e596d3d73a7edbf', '/data/alflow/demo-images/images/26d3.png', 'pool', 256, 256, 20);
INSERT INTO public.item VALUES (29, 1, 'e832fde6ffd3882dd4ed8353d5171b79372e1f4aaab71eb04d140c77e22e957b', '/data/alflow/demo-images/images/1f9fc.png', 'pool', 256, 256, 20);
INSERT INTO public.item VALUES (30, 1, '2166320fcf4cbc430765cc86e98f5aa0087f6f10f9494758cabc39b83df0c3d1', '/data/alflow/demo-images/images/1f51c.png', 'pool', 256, 256, 21);
INSERT INTO public.item VALUES (31, 1, 'f1b187918720e462f4064d700d4b4dd80e79fb59f1104f27632931ca588927df', '/data/alflow/demo-images/images/1f62d.png', 'target', 256, 256, 1);
INSERT INTO public.item VALUES (32, 1, '36dda81d6940c63dfb372dd52077b3d1e5542081b3d80019a13df3e51116d843', '/data/alflow/demo-images/images/1f425.png', 'target', 256, 256, 5);
INSERT INTO public.item VALUES (33, 1, '73eca77d69e2819cfe53246ae9617884e497c9099921352e033f3075dce936f6', '/data/alflow/demo-images/images/1f963.png', 'target', 256, 256, 9);
INSERT INTO public.item VALUES (34, 1, '01287875ceae3a04feee40c93ec6058a0d47b2def6b39b25eb1d6d1a9327f233', '/data/alflow/demo-images/images/1f6e9.png', 'target', 256, 256, 12);
INSERT INTO public.item VALUES (35, 1, '695051d9f6b7a63c6762d633980309b13731a3f1dcd8b158e946c0966202a0db', '/data/alflow/demo-images/images/1f9f8.png', 'target', 256, 256, 16);
INSERT INTO public.item VALUES (36, 1, '7b76fc45b99b03dffe6de9c519ad3cd1978b325fa6b49ad8f62c3233c846e9ba', '/data/alflow/demo-images/images/1f528.png', 'target', 256, 256, 20);
INSERT INTO public.item VALUES (37, 1, 'e7dd8bfdaa92e99d62d445b9174b03e3585cff7aad5357b76ee8beddecd33ab1', '/data/alflow/demo-images/images/1fae4.png', 'test', 256, 256, 1);
INSERT INTO public.item VALUES (38, 1, '3c9a414d2281ff4569c93341ae2281243cbbe665c50472906c069d48684fb834', '/data/alflow/demo-images/images/1f999.png', 'test', 256, 256, 4);
INSERT INTO public.item VALUES (39, 1, '57725430eab24429c3acc70f81c3155bbc01800a6802964e0fb18c0bb1ff8bbd', '/data/alflow/demo-images/images/1fabe.png', 'test', 256, 256, 7);
INSERT INTO public.item VALUES (40, 1, 'e3a757cd6521518e40b99c1317485d5f630eef854467350b68aec174dd216df5', '/data/alflow/demo-images/images/1fad6.png', 'test', 256, 256, 10);
INSERT INTO public.item VALUES (41, 1, '3c6b49d626ab8782de4de1ff0b7a2e730896bd6a1394f2137cfd2e048b4dd7c8', '/data/alflow/demo-images/images/1f6f0.png', 'test', 256, 256, 12);
INSERT INTO public.item VALUES (42, 1, '4e6d2ae166b8de40d0803f7d7adb7ef7e182ac160b7fd8fcf2cfb00e7e5d85e8', '/data/alflow/demo-images/images/1f397.png', 'test', 256, 256, 15);
INSERT INTO public.item VALUES (43, 1, '487f2a0284f42b43945211c91e550668c840b4707fd1d8c45cfb10cc1caa7d0f', '/data/alflow/demo-images/images/1fa87.png', 'test', 256, 256, 18);
INSERT INTO public.item VALUES (44, 1, '52a3ef60cd37ebbd5817eb40d8cb6c6cbe8a8d6cfc5e6730007844b4f6cce116', '/data/alflow/demo-images/images/1fa9d.png', 'test', 256, 256, 20);
INSERT INTO public.item VALUES (45, 2, '5c07d69de94e2704851c7af752ff645208bbeb00eb5a0e762bd0128c08d17b97', '/data/alflow/demo-images/images/1f615.png', 'pool', 256, 256, 23);
INSERT INTO public.item VALUES (46, 2, '94b9e598e7a019d67d72a52a536360f537c27af262b179e852afe62f790c1be4', '/data/alflow/demo-images/images/1f49d.png', 'pool', 256, 256, 24);
INSERT INTO public.item VALUES (47, 2, '5400aa87faa57df8a0034c6a49a8716002d8cd15cb67c2dfc42687705792d432', '/data/alflow/demo-images/images/1f977.png', 'pool', 256, 256, 25);
INSERT INTO public.item VALUES (48, 2, '370e514325bf3ac8643dcfabe22c49ec421f4fbce0cc7d2fad0c276d65871b3b', '/data/alflow/demo-images/images/1f405.png', 'pool', 256, 256, 26);
INSERT INTO public.item VALUES (49, 2, '30b6f1ac7e9374531f8dd884f14150465de6e6567e03e224e800ebe30ebfaeff', '/data/alflow/demo-images/images/1f42d.png', 'pool', 256, 256, 26);
INSERT INTO public.item VALUES (50, 2, '82f51d007091b912ff0cd0512d8d5d014410131dcb3e8005e10a88ac7069075e', '/data/alflow/demo-images/images/1f423.png', 'pool', 256, 256, 27);
INSERT INTO public.item VALUES (51, 2, 'f29384d1335f30a6b4ad034c5950ab5b20cf7a6c526964f8d696be816147d24b', '/data/alflow/demo-images/images/1f980.png', 'pool', 256, 256, 28);
INSERT INTO public.item VALUES (52, 2, '3f4dba367b7d0f2773baf8890d11d90207f584ba9e9df1bd40262f17d3629444', '/data/alflow/demo-images/images/1fab7.png', 'pool', 256, 256, 29);
INSERT INTO public.item VALUES (53, 2, '9fd8a9aaae8d8377c30670cd1c4b156ee8d794c0b258ab6d341e721b58d61805', '/data/alflow/demo-images/images/1f34a.png', 'pool', 256, 256, 30);
INSERT INTO public.item VALUES (54, 2, '4ddae69c8ed92758b7f65360386f75661eca2a44b398fcb21243bfcbaecb6871', '/data/alflow/demo-images/images/1f9c4.png', 'pool', 256, 256, 30);
INSERT INTO public.item VALUES (55, 2, 'f84465f99bc1d20aa74cd8ab97769d1aaf8d1726efa6567fc3eb255f7369a8c1', '/data/alflow/demo-images/images/1f959.png', 'pool', 256, 256, 31);
INSERT INTO public.item VALUES (56, 2, '770f7f620e2011334741c2283f3a459414d8a9b2bce4e3a550483009c319aaed', '/data/alflow/demo-images/images/1f362.png', 'pool', 256, 256, 31);
INSERT INTO public.item VALUES (57, 2, '6141efc6fef82d06ce649546661201dbe55a021fcdd2ffd248805f5729fd7f58', '/data/alflow/demo-images/images/1f95b.png', 'pool', 256, 256, 32);
INSERT INTO public.item VALUES (58, 2, '2635f3406f8cf151a974813e2254dd7b1dea0cb31dce8a46048bf37ca5e89865', '/data/alflow/demo-images/images/1f3e5.png', 'pool', 256, 256, 33);
INSERT INTO public.item VALUES (59, 2, '3e610d761299da776fa0ddcba1e909e9d4dcdd144e93abed24ba8acb711222d0', '/data/alflow/demo-images/images/1f68c.png', 'pool', 256, 256, 34);
INSERT INTO public.item VALUES (60, 2, '9dd9d8942d3e93c9ec0100bee535f901d4fcd6167648573b3268194258797726', '/data/alflow/demo-images/images/1f6b2.png', 'pool', 256, 256, 34);
INSERT INTO public.item VALUES (61, 2, '88928f88aeceb30cfeed6158b3fc548959b337d8883c5b4bacbf999cfef74074', '/data/alflow/demo-images/images/23f3.png', 'pool', 256, 256, 35);
INSERT INTO public.item VALUES (62, 2, 'b2d5e7553f4cec650a539671285e8c86b49bf96051cb9da02ce1a2b8af4ad453', '/data/alflow/demo-images/images/1f565.png', 'pool', 256, 256, 35);
INSERT INTO public.item VALUES (63, 2, '7a1369a6e79f2c3c1e6bdb784b7511ad244cebf403a6a0b1eb680bbad8071bc5', '/data/alflow/demo-images/images/2601.png', 'pool', 256, 256, 36);
INSERT INTO public.item VALUES (64, 2, 'dfc897544b0d70e9ee618e8d9e668cbe7a5b7441b04a44c6dfc68db8df29a4f5', '/data/alflow/demo-images/images/1f9e8.png', 'pool', 256, 256, 37);
INSERT INTO public.item VALUES (65, 2, 'a789e6d9021096af09233ef7dd195cd34930608f98eae47b82268112e6ee13b2', '/data/alflow/demo-images/images/1f3cf.png', 'pool', 256, 256, 38);
INSERT INTO public.item VALUES (66, 2, '017c15c24932f73738161c75368361cf202719428c8b1c5a3bbf2a536bb866e8', '/data/alflow/demo-images/images/1f579.png', 'pool', 256, 256, 38);
INSERT INTO public.item VALUES (67, 2, '37577c6b86292c4f5af7e69e35e8dd5456b1dece39fcba0e04ce29fb48fdfb78', '/data/alflow/demo-images/images/1fa71.png', 'pool', 256, 256, 39);
INSERT INTO public.item VALUES (68, 2, '0917f2cf94da48348a87715b5081e5ddc351b89ff678cf5d123297a92f508629', '/data/alflow/demo-images/images/1f452.png', 'pool', 256, 256, 39);
INSERT INTO public.item VALUES (69, 2, '5c85de4444211e8ffb1adee811a232a2b9865368050029d42a1d097b60f1e29a', '/data/alflow/demo-images/images/1faab.png', 'pool', 256, 256, 40);
INSERT INTO public.item VALUES (70, 2, '95a4a612434e778e7a7db853d08ba1ed81f8f0bf8fe323afe5e44bb5104ab851', '/data/alflow/demo-images/images/1f4e7.png', 'pool', 256, 256, 41);
INSERT INTO public.item VALUES (71, 2, 'f1fe2c6dd14689b25ac88d65dc4adc815150ae587016da99a37921c919a2e485', '/data/alflow/demo-images/images/1f4d0.png', 'pool', 256, 256, 41);
INSERT INTO public.item VALUES (72, 2, '0690eb82d0ae48fcaaf8d7c9549fed055347b8157768fe888e596d3d73a7edbf', '/data/alflow/demo-images/images/26d3.png', 'pool', 256, 256, 42);
INSERT INTO public.item VALUES (73, 2, 'e832fde6ffd3882dd4ed8353d5171b79372e1f4aaab71eb04d140c77e22e957b', '/data/alflow/demo-images/images/1f9fc.png', 'pool', 256, 256, 42);
INSERT INTO public.item VALUES (74, 2, '2166320fcf4cbc430765cc86e98f5aa0087f6f10f9494758cabc39b83df0c3d1', '/data/alflow/demo-images/images/1f51c.png', 'pool', 256, 256, 43);
INSERT INTO public.item VALUES (75, 2, 'f1b187918720e462f4064d700d4b4dd80e79fb59f1104f27632931ca588927df', '/data/alflow/demo-images/images/1f62d.png', 'target', 256, 256, 23);
INSERT INTO public.item VALUES (76, 2, '36dda81d6940c63dfb372dd52077b3d1e5542081b3d80019a13df3e51116d843', '/data/alflow/demo-images/images/1f425.png', 'target', 256, 256, 27);
INSERT INTO public.item VALUES (77, 2, '73eca77d69e2819cfe53246ae9617884e497c9099921352e033f3075dce936f6', '/data/alflow/demo-images/images/1f963.png', 'target', 256, 256, 31);
INSERT INTO public.item VALUES (78, 2, '01287875ceae3a04feee40c93ec6058a0d47b2def6b39b25eb1d6d1a9327f233', '/data/alflow/demo-images/images/1f6e9.png', 'target', 256, 256, 34);
INSERT INTO public.item VALUES (79, 2, '695051d9f6b7a63c6762d633980309b13731a3f1dcd8b158e946c0966202a0db', '/data/alflow/demo-images/images/1f9f8.png', 'target', 256, 256, 38);
INSERT INTO public.item VALUES (80, 2, '7b76fc45b99b03dffe6de9c519ad3cd1978b325fa6b49ad8f62c3233c846e9ba', '/data/alflow/demo-images/images/1f528.png', 'target', 256, 256, 42);
INSERT INTO public.item VALUES (81, 2, 'e7dd8bfdaa92e99d62d445b9174b03e3585cff7aad5357b76ee8beddecd33ab1', '/data/alflow/demo-images/images/1fae4.png', 'test', 256, 256, 23);
INSERT INTO public.item VALUES (82, 2, '3c9a414d2281ff4569c93341ae2281243cbbe665c50472906c069d48684fb834', '/data/alflow/demo-images/images/1f999.png', 'test', 256, 256, 26);
INSERT INTO public.item VALUES (83, 2, '57725430eab24429c3acc70f81c3155bbc01800a6802964e0fb18c0bb1ff8bbd', '/data/alflow/demo-images/images/1fabe.png', 'test', 256, 256, 29);
INSERT INTO public.item VALUES (84, 2, 'e3a757cd6521518e40b99c1317485d5f630eef854467350b68aec174dd216df5', '/data/alflow/demo-images/images/1fad6.png', 'test', 256, 256, 32);
INSERT INTO public.item VALUES (85, 2, '3c6b49d626ab8782de4de1ff0b7a2e730896bd6a1394f2137cfd2e048b4dd7c8', '/data/alflow/demo-images/images/1f6f0.png', 'test', 256, 256, 34);
INSERT INTO public.item VALUES (86, 2, '4e6d2ae166b8de40d0803f7d7adb7ef7e182ac160b7fd8fcf2cfb00e7e5d85e8', '/data/alflow/demo-images/images/1f397.png', 'test', 256, 256, 37);
INSERT INTO public.item VALUES (87, 2, '487f2a0284f42b43945211c91e550668c840b4707fd1d8c45cfb10cc1caa7d0f', '/data/alflow/demo-images/images/1fa87.png', 'test', 256, 256, 40);
INSERT INTO public.item VALUES (88, 2, '52a3ef60cd37ebbd5817eb40d8cb6c6cbe8a8d6cfc5e6730007844b4f6cce116', '/data/alflow/demo-images/images/1fa9d.png', 'test', 256, 256, 42);
INSERT INTO public.item VALUES (89, 3, 'baebe2d110428f5d2833aed39d94bbe9945d2bef6c3eab396d0cada7c30046a1', '/data/alflow/fotos/Größe/brücke 橋.png', 'pool', 256, 256, NULL);
INSERT INTO public.item VALUES (90, 3, '943e73e778fa9a507ed193322d8a881735e23bf8be39224fe6f7282830f0175d', '/data/alflow/fotos/Größe/gone.png', 'pool', 256, 256, NULL);
INSERT INTO public.label VALUES (1, 2, 47, 6, 2, 1, 'class', 25, '2026-11-28 20:34:38.063124+00', 1.29, 'simulated annotator 6', '{"by": "simulated annotator"}', NULL, '', '', NULL, NULL);
INSERT INTO public.label VALUES (3, 2, 72, 8, 2, 1, 'class', 42, '2026-11-28 20:34:38.151879+00', 2.52, 'simulated annotator 8', '{"by": "simulated annotator"}', NULL, '', '', NULL, NULL);
INSERT INTO public.label VALUES (4, 2, 73, 9, 2, 1, 'class', 42, '2026-11-28 20:34:38.186828+00', 1.41, 'simulated annotator 9', '{"by": "simulated annotator"}', NULL, '', '', NULL, NULL);
INSERT INTO public.label VALUES (5, 2, 65, 10, 2, 1, 'class', 38, '2026-11-28 20:34:38.23333+00', 2.86, 'simulated annotator 10', '{"by": "simulated annotator"}', NULL, '', '', NULL, NULL);
INSERT INTO public.label VALUES (6, 2, 64, 11, 3, 1, 'class', 37, '2026-11-28 20:34:39.281508+00', 1.99, 'simulated annotator 11', '{"by": "simulated annotator"}', NULL, '', '', NULL, NULL);
INSERT INTO public.label VALUES (7, 2, 58, 12, 3, 1, 'class', 33, '2026-11-28 20:34:39.311955+00', 2.66, 'simulated annotator 12', '{"by": "simulated annotator"}', NULL, '', '', NULL, NULL);
INSERT INTO public.label VALUES (8, 2, 51, 13, 3, 1, 'class', 28, '2026-11-28 20:34:39.330607+00', 2.69, 'simulated annotator 13', '{"by": "simulated annotator"}', NULL, '', '', NULL, NULL);
INSERT INTO public.label VALUES (9, 2, 71, 14, 3, 1, 'class', 41, '2026-11-28 20:34:39.352222+00', 1.31, 'simulated annotator 14', '{"by": "simulated annotator"}', NULL, '', '', NULL, NULL);
INSERT INTO public.label VALUES (10, 2, 56, 15, 3, 1, 'class', 31, '2026-11-28 20:34:39.355881+00', 2.27, 'simulated annotator 15', '{"by": "simulated annotator"}', NULL, '', '', NULL, NULL);
INSERT INTO public.label VALUES (11, 1, 3, 1, 1, 3, 'class', 3, '2026-11-28 20:34:40.101184+00', 1.25, '3-1-0', '{"image": "rendition", "screen": "26d4646058ee7521e9739ed95aee0d868dbd28fa1024fa37dffd821a6223a8a9", "rendition": "6d016bbbde8e7ef4e2217308c81f8887eeef11975ab61c5072aa1ef65b8242c2"}', '2026-11-28 20:34:40.125733+00', '', '', 3, NULL);
INSERT INTO public.label VALUES (12, 1, 3, 1, 1, 3, 'class', 3, '2026-11-28 20:34:40.151008+00', 1.25, '3-1-1', '{"image": "rendition", "screen": "26d4646058ee7521e9739ed95aee0d868dbd28fa1024fa37dffd821a6223a8a9", "rendition": "6d016bbbde8e7ef4e2217308c81f8887eeef11975ab61c5072aa1ef65b8242c2"}', NULL, 'it''s a “quoted” note: ünï', '', NULL, NULL);
INSERT INTO public.label VALUES (13, 1, 1, 2, 1, 3, 'none', NULL, '2026-11-28 20:34:40.181312+00', 1.25, '3-2-0', '{"image": "rendition", "screen": "26d4646058ee7521e9739ed95aee0d868dbd28fa1024fa37dffd821a6223a8a9", "rendition": "8af73c13f4892df0536615f48e85e8a0086c03e37cdcfadb2f75a801d841c28e"}', NULL, '', 'sea slug', NULL, NULL);
INSERT INTO public.label VALUES (14, 1, 29, 4, 1, 4, 'class', 11, '2026-11-28 20:34:40.363218+00', 3, '96a90f65b1f74fddbcfcb44134da9f27:4', '{"grid": "96a90f65b1f74fddbcfcb44134da9f27", "image": "thumbnail", "images": 1, "screen": "26d4646058ee7521e9739ed95aee0d868dbd28fa1024fa37dffd821a6223a8a9", "rendition": "7a70c28891e487f8e8600adab40dd8ab4e47054322d6cdc0aa23840043e98e99", "suggestion": 11, "probability": 0.25879526138305664}', NULL, '', '', NULL, NULL);
INSERT INTO public.label VALUES (15, 2, 47, 6, 2, 4, 'class', 23, '2026-11-28 20:34:40.467935+00', 1, 'late', '{}', NULL, '', '', NULL, NULL);
INSERT INTO public.label VALUES (2, 2, 45, 7, 2, 1, 'class', 23, '2026-11-28 20:34:38.129045+00', 1.01, 'simulated annotator 7', '{"by": "simulated annotator"}', '2026-11-28 20:34:40.517996+00', '', '', 3, 'wrong drawing');
INSERT INTO public.label_history VALUES (1, 1, 'insert', '2026-11-28 20:34:38.078114+00', NULL, '{"at": "2026-11-28T20:34:38.063124+00:00", "id": 1, "shown": {"by": "simulated annotator"}, "token": "simulated annotator 6", "comment": "", "item_id": 47, "seconds": 1.29, "verdict": "class", "class_id": 25, "round_id": 2, "project_id": 2, "annotator_id": 1, "candidate_id": 6, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', 2, 47);
INSERT INTO public.label_history VALUES (2, 2, 'insert', '2026-11-28 20:34:38.13107+00', NULL, '{"at": "2026-11-28T20:34:38.129045+00:00", "id": 2, "shown": {"by": "simulated annotator"}, "token": "simulated annotator 7", "comment": "", "item_id": 45, "seconds": 1.01, "verdict": "class", "class_id": 23, "round_id": 2, "project_id": 2, "annotator_id": 1, "candidate_id": 7, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', 2, 45);
INSERT INTO public.label_history VALUES (3, 3, 'insert', '2026-11-28 20:34:38.154245+00', NULL, '{"at": "2026-11-28T20:34:38.151879+00:00", "id": 3, "shown": {"by": "simulated annotator"}, "token": "simulated annotator 8", "comment": "", "item_id": 72, "seconds": 2.52, "verdict": "class", "class_id": 42, "round_id": 2, "project_id": 2, "annotator_id": 1, "candidate_id": 8, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', 2, 72);
INSERT INTO public.label_history VALUES (4, 4, 'insert', '2026-11-28 20:34:38.188979+00', NULL, '{"at": "2026-11-28T20:34:38.186828+00:00", "id": 4, "shown": {"by": "simulated annotator"}, "token": "simulated annotator 9", "comment": "", "item_id": 73, "seconds": 1.41, "verdict": "class", "class_id": 42, "round_id": 2, "project_id": 2, "annotator_id": 1, "candidate_id": 9, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', 2, 73);
INSERT INTO public.label_history VALUES (5, 5, 'insert', '2026-11-28 20:34:38.236296+00', NULL, '{"at": "2026-11-28T20:34:38.23333+00:00", "id": 5, "shown": {"by": "simulated annotator"}, "token": "simulated annotator 10", "comment": "", "item_id": 65, "seconds": 2.86, "verdict": "class", "class_id": 38, "round_id": 2, "project_id": 2, "annotator_id": 1, "candidate_id": 10, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', 2, 65);
INSERT INTO public.label_history VALUES (6, 6, 'insert', '2026-11-28 20:34:39.282159+00', NULL, '{"at": "2026-11-28T20:34:39.281508+00:00", "id": 6, "shown": {"by": "simulated annotator"}, "token": "simulated annotator 11", "comment": "", "item_id": 64, "seconds": 1.99, "verdict": "class", "class_id": 37, "round_id": 3, "project_id": 2, "annotator_id": 1, "candidate_id": 11, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', 2, 64);
INSERT INTO public.label_history VALUES (7, 7, 'insert', '2026-11-28 20:34:39.314637+00', NULL, '{"at": "2026-11-28T20:34:39.311955+00:00", "id": 7, "shown": {"by": "simulated annotator"}, "token": "simulated annotator 12", "comment": "", "item_id": 58, "seconds": 2.66, "verdict": "class", "class_id": 33, "round_id": 3, "project_id": 2, "annotator_id": 1, "candidate_id": 12, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', 2, 58);
INSERT INTO public.label_history VALUES (8, 8, 'insert', '2026-11-28 20:34:39.332262+00', NULL, '{"at": "2026-11-28T20:34:39.330607+00:00", "id": 8, "shown": {"by": "simulated annotator"}, "token": "simulated annotator 13", "comment": "", "item_id": 51, "seconds": 2.69, "verdict": "class", "class_id": 28, "round_id": 3, "project_id": 2, "annotator_id": 1, "candidate_id": 13, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', 2, 51);
INSERT INTO public.label_history VALUES (9, 9, 'insert', '2026-11-28 20:34:39.352968+00', NULL, '{"at": "2026-11-28T20:34:39.352222+00:00", "id": 9, "shown": {"by": "simulated annotator"}, "token": "simulated annotator 14", "comment": "", "item_id": 71, "seconds": 1.31, "verdict": "class", "class_id": 41, "round_id": 3, "project_id": 2, "annotator_id": 1, "candidate_id": 14, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', 2, 71);
INSERT INTO public.label_history VALUES (10, 10, 'insert', '2026-11-28 20:34:39.356439+00', NULL, '{"at": "2026-11-28T20:34:39.355881+00:00", "id": 10, "shown": {"by": "simulated annotator"}, "token": "simulated annotator 15", "comment": "", "item_id": 56, "seconds": 2.27, "verdict": "class", "class_id": 31, "round_id": 3, "project_id": 2, "annotator_id": 1, "candidate_id": 15, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', 2, 56);
INSERT INTO public.label_history VALUES (11, 11, 'insert', '2026-11-28 20:34:40.101922+00', NULL, '{"at": "2026-11-28T20:34:40.101184+00:00", "id": 11, "shown": {"image": "rendition", "screen": "26d4646058ee7521e9739ed95aee0d868dbd28fa1024fa37dffd821a6223a8a9", "rendition": "6d016bbbde8e7ef4e2217308c81f8887eeef11975ab61c5072aa1ef65b8242c2"}, "token": "3-1-0", "comment": "", "item_id": 3, "seconds": 1.25, "verdict": "class", "class_id": 3, "round_id": 1, "project_id": 1, "annotator_id": 3, "candidate_id": 1, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', 1, 3);
INSERT INTO public.label_history VALUES (12, 11, 'update', '2026-11-28 20:34:40.137467+00', '{"at": "2026-11-28T20:34:40.101184+00:00", "id": 11, "shown": {"image": "rendition", "screen": "26d4646058ee7521e9739ed95aee0d868dbd28fa1024fa37dffd821a6223a8a9", "rendition": "6d016bbbde8e7ef4e2217308c81f8887eeef11975ab61c5072aa1ef65b8242c2"}, "token": "3-1-0", "comment": "", "item_id": 3, "seconds": 1.25, "verdict": "class", "class_id": 3, "round_id": 1, "project_id": 1, "annotator_id": 3, "candidate_id": 1, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', '{"at": "2026-11-28T20:34:40.101184+00:00", "id": 11, "shown": {"image": "rendition", "screen": "26d4646058ee7521e9739ed95aee0d868dbd28fa1024fa37dffd821a6223a8a9", "rendition": "6d016bbbde8e7ef4e2217308c81f8887eeef11975ab61c5072aa1ef65b8242c2"}, "token": "3-1-0", "comment": "", "item_id": 3, "seconds": 1.25, "verdict": "class", "class_id": 3, "round_id": 1, "project_id": 1, "annotator_id": 3, "candidate_id": 1, "withdrawn_at": "2026-11-28T20:34:40.125733+00:00", "withdrawn_by": 3, "withdrawn_why": null, "proposed_class": ""}', 1, 3);
INSERT INTO public.label_history VALUES (13, 12, 'insert', '2026-11-28 20:34:40.151879+00', NULL, '{"at": "2026-11-28T20:34:40.151008+00:00", "id": 12, "shown": {"image": "rendition", "screen": "26d4646058ee7521e9739ed95aee0d868dbd28fa1024fa37dffd821a6223a8a9", "rendition": "6d016bbbde8e7ef4e2217308c81f8887eeef11975ab61c5072aa1ef65b8242c2"}, "token": "3-1-1", "comment": "it''s a “quoted” note: ünï", "item_id": 3, "seconds": 1.25, "verdict": "class", "class_id": 3, "round_id": 1, "project_id": 1, "annotator_id": 3, "candidate_id": 1, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', 1, 3);
INSERT INTO public.label_history VALUES (16, 15, 'insert', '2026-11-28 20:34:40.468638+00', NULL, '{"at": "2026-11-28T20:34:40.467935+00:00", "id": 15, "shown": {}, "token": "late", "comment": "", "item_id": 47, "seconds": 1, "verdict": "class", "class_id": 23, "round_id": 2, "project_id": 2, "annotator_id": 4, "candidate_id": 6, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', 2, 47);
INSERT INTO public.label_history VALUES (14, 13, 'insert', '2026-11-28 20:34:40.182166+00', NULL, '{"at": "2026-11-28T20:34:40.181312+00:00", "id": 13, "shown": {"image": "rendition", "screen": "26d4646058ee7521e9739ed95aee0d868dbd28fa1024fa37dffd821a6223a8a9", "rendition": "8af73c13f4892df0536615f48e85e8a0086c03e37cdcfadb2f75a801d841c28e"}, "token": "3-2-0", "comment": "", "item_id": 1, "seconds": 1.25, "verdict": "none", "class_id": null, "round_id": 1, "project_id": 1, "annotator_id": 3, "candidate_id": 2, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": "sea slug"}', 1, 1);
INSERT INTO public.label_history VALUES (15, 14, 'insert', '2026-11-28 20:34:40.368273+00', NULL, '{"at": "2026-11-28T20:34:40.363218+00:00", "id": 14, "shown": {"grid": "96a90f65b1f74fddbcfcb44134da9f27", "image": "thumbnail", "images": 1, "screen": "26d4646058ee7521e9739ed95aee0d868dbd28fa1024fa37dffd821a6223a8a9", "rendition": "7a70c28891e487f8e8600adab40dd8ab4e47054322d6cdc0aa23840043e98e99", "suggestion": 11, "probability": 0.25879526138305664}, "token": "96a90f65b1f74fddbcfcb44134da9f27:4", "comment": "", "item_id": 29, "seconds": 3, "verdict": "class", "class_id": 11, "round_id": 1, "project_id": 1, "annotator_id": 4, "candidate_id": 4, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', 1, 29);
INSERT INTO public.label_history VALUES (17, 2, 'update', '2026-11-28 20:34:40.519155+00', '{"at": "2026-11-28T20:34:38.129045+00:00", "id": 2, "shown": {"by": "simulated annotator"}, "token": "simulated annotator 7", "comment": "", "item_id": 45, "seconds": 1.01, "verdict": "class", "class_id": 23, "round_id": 2, "project_id": 2, "annotator_id": 1, "candidate_id": 7, "withdrawn_at": null, "withdrawn_by": null, "withdrawn_why": null, "proposed_class": ""}', '{"at": "2026-11-28T20:34:38.129045+00:00", "id": 2, "shown": {"by": "simulated annotator"}, "token": "simulated annotator 7", "comment": "", "item_id": 45, "seconds": 1.01, "verdict": "class", "class_id": 23, "round_id": 2, "project_id": 2, "annotator_id": 1, "candidate_id": 7, "withdrawn_at": "2026-11-28T20:34:40.517996+00:00", "withdrawn_by": 3, "withdrawn_why": "wrong drawing", "proposed_class": ""}', 2, 45);
INSERT INTO public.lease VALUES (3, 4, '2026-11-28 20:39:40.660092+00', NULL);
INSERT INTO public.lease VALUES (5, 4, '2026-11-28 20:39:40.660092+00', NULL);
INSERT INTO public.membership VALUES (1, 3, 'owner');
INSERT INTO public.membership VALUES (1, 5, 'reviewer');
INSERT INTO public.presence VALUES (2, 1, '2026-11-28 20:36:09.258163+00');
INSERT INTO public.presence VALUES (1, 4, '2026-11-28 20:36:10.660092+00');
INSERT INTO public.project VALUES (2, 'demo-history', 'demo', 'fp32', '10043762e91d6bbd979e2abe722f552adce10a42c3936edca0fa3336e126d3a6', '{"tau": 10.0, "seed": 0, "votes": 1, "budget": 5, "strategy": "default", "gold_rate": 0.0, "max_labels": null, "suggestion": "after", "label_price": null, "plateau_gain": 0.005, "gold_feedback": false, "lease_minutes": 5.0, "plateau_rounds": null, "min_information": null, "control_fraction": 0.1}', '2026-11-28 20:34:36.859817+00', '');
INSERT INTO public.project VALUES (1, 'demo', 'demo', 'fp32', '10043762e91d6bbd979e2abe722f552adce10a42c3936edca0fa3336e126d3a6', '{"tau": 10.0, "seed": 0, "votes": 1, "budget": 5, "strategy": "default", "gold_rate": 0.5, "max_labels": null, "suggestion": "after", "label_price": null, "plateau_gain": 0.005, "gold_feedback": true, "lease_minutes": 5.0, "plateau_rounds": null, "min_information": null, "control_fraction": 0.1}', '2026-11-28 20:34:35.539937+00', '');
INSERT INTO public.project VALUES (3, 'Straßen & Brücken', 'demo', 'fp32', NULL, '{"tau": 10.0, "seed": 0, "votes": 2, "budget": 20, "strategy": "default", "gold_rate": 0.0, "max_labels": null, "suggestion": "after", "label_price": null, "plateau_gain": 0.005, "gold_feedback": false, "lease_minutes": 5.0, "plateau_rounds": null, "min_information": null, "control_fraction": 0.1}', '2026-11-28 20:34:40.701316+00', '# Regeln
Ein *Café* hat Stühle; it''s that simple.');
INSERT INTO public.rejection VALUES (1, 3, '/data/alflow/fotos/Größe/empty.png', 'the file is empty', '2026-11-28 20:34:40.736641+00');
INSERT INTO public.rejection VALUES (2, 3, '/data/alflow/fotos/Größe/text.jpg', 'not an image in a known format, or damaged', '2026-11-28 20:34:40.73672+00');
INSERT INTO public.rejection VALUES (3, 3, '/data/alflow/fotos/Größe/gone.png', 'not embedded: the file does not exist', '2026-11-28 20:34:40.75726+00');
INSERT INTO public.round VALUES (1, 1, 1, 'open', 'default', 5, 173871019383757, '{"votes": 1, "n_pool": 30, "novelty": {"1": 0.8909779191017151, "3": 0.5712273120880127, "21": 1.5980031490325928, "28": 0.7933788895606995, "29": 0.7630929350852966}, "n_labels": 0, "n_target": 6, "class_ids": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22], "novel_share": 0.03333333333333333, "near_duplicates": 0, "class_deviations": {"1": 0.2915158271789551, "2": 0.2361457347869873, "3": 0.26721978187561035, "4": 0.23559339344501495, "5": 0.20012468099594116, "6": 0.26040956377983093, "7": 0.27454403042793274, "8": 0.22998136281967163, "9": 0.20427002012729645, "10": 0.24780194461345673, "11": 0.26058638095855713, "12": 0.2452223151922226, "13": 0.1926078498363495, "14": 0.25673776865005493, "15": 0.26029449701309204, "16": 0.3101743459701538, "17": 0.22509519755840302, "18": 0.32559606432914734, "19": 0.22882108390331268, "20": 0.23132969439029694, "21": 0.22015240788459778, "22": 0.23979556560516357}, "control_fraction": 0.1}', '{"scores": "fc9a00a2d735266fab9d65e1528a4ffa8cb1f6648847d192207781fd7ce8ae5e", "encoder": "4d12e33307e180787d8fddef3e5b06b3af3c2e7f576b8df1bc70143c13a4b25b", "prompts": "021e9402ff2046021daeb41c803ae0a9b0de23dbede1a4f132ecd514180f581c", "posterior": "10043762e91d6bbd979e2abe722f552adce10a42c3936edca0fa3336e126d3a6"}', '2026-11-28 20:34:37.704342+00', NULL, NULL);
INSERT INTO public.round VALUES (2, 2, 1, 'closed', 'default', 5, 173871019383757, '{"votes": 1, "n_pool": 30, "novelty": {"45": 0.8909779191017151, "47": 0.5712273120880127, "65": 1.5980031490325928, "72": 0.7933788895606995, "73": 0.7630929350852966}, "n_labels": 0, "n_target": 6, "class_ids": [23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44], "novel_share": 0.03333333333333333, "near_duplicates": 0, "class_deviations": {"23": 0.2915158271789551, "24": 0.2361457347869873, "25": 0.26721978187561035, "26": 0.23559339344501495, "27": 0.20012468099594116, "28": 0.26040956377983093, "29": 0.27454403042793274, "30": 0.22998136281967163, "31": 0.20427002012729645, "32": 0.24780194461345673, "33": 0.26058638095855713, "34": 0.2452223151922226, "35": 0.1926078498363495, "36": 0.25673776865005493, "37": 0.26029449701309204, "38": 0.3101743459701538, "39": 0.22509519755840302, "40": 0.32559606432914734, "41": 0.22882108390331268, "42": 0.23132969439029694, "43": 0.22015240788459778, "44": 0.23979556560516357}, "control_fraction": 0.1}', '{"fit": "da638f592149ce1bf8992fab08b5a96c4829b706f7609c514ae5c966a42dc98e", "scores": "a1b6b9828551d99779ffa5d582ef1c41d226207d2cfe6bae6fee1b033b029c14", "encoder": "4d12e33307e180787d8fddef3e5b06b3af3c2e7f576b8df1bc70143c13a4b25b", "prompts": "021e9402ff2046021daeb41c803ae0a9b0de23dbede1a4f132ecd514180f581c", "posterior": "10043762e91d6bbd979e2abe722f552adce10a42c3936edca0fa3336e126d3a6"}', '2026-11-28 20:34:37.964975+00', '2026-11-28 20:34:38.251206+00', '2026-11-28 20:34:39.13056+00');
INSERT INTO public.round VALUES (3, 2, 2, 'closed', 'default', 5, 154102866905949, '{"votes": 1, "n_pool": 25, "novelty": {"51": 0.7111324071884155, "56": 0.8827622532844543, "58": 0.9159936308860779, "64": 2.3741018772125244, "71": 1.013307809829712}, "n_labels": 5, "n_target": 6, "class_ids": [23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44], "novel_share": 0.04, "near_duplicates": 0, "class_deviations": {"23": 2.429485321044922, "24": 2.234907627105713, "25": 2.3531484603881836, "26": 2.23256516456604, "27": 2.061338186264038, "28": 2.3293728828430176, "29": 2.3775055408477783, "30": 2.2082414627075195, "31": 2.0836310386657715, "32": 2.282285213470459, "33": 2.3300042152404785, "34": 2.2721304893493652, "35": 2.0192151069641113, "36": 2.316082239151001, "37": 2.3289613723754883, "38": 2.4801902770996094, "39": 2.1862668991088867, "40": 2.517638921737671, "41": 2.203091621398926, "42": 2.2141730785369873, "43": 2.1632542610168457, "44": 2.2501606941223145}, "control_fraction": 0.1}', '{"fit": "981d43a895956be70bff2de8f17010d47326292ef3d838eb5e7ac876aac2b479", "scores": "e7818428639166b0fbaa54f3522616434ab87cdddcc8be18f19cc7a5ae55c8eb", "encoder": "4d12e33307e180787d8fddef3e5b06b3af3c2e7f576b8df1bc70143c13a4b25b", "prompts": "021e9402ff2046021daeb41c803ae0a9b0de23dbede1a4f132ecd514180f581c", "posterior": "10043762e91d6bbd979e2abe722f552adce10a42c3936edca0fa3336e126d3a6"}', '2026-11-28 20:34:39.237013+00', '2026-11-28 20:34:39.363821+00', '2026-11-28 20:34:40.00621+00');
INSERT INTO public.screen VALUES ('26d4646058ee7521e9739ed95aee0d868dbd28fa1024fa37dffd821a6223a8a9', '{"page": "label", "classes": [{"id": 1, "name": "worried faces", "hot_key": "1", "prompts": ["a drawing of worried faces"], "display_name": "worried faces"}, {"id": 2, "name": "hearts", "hot_key": "2", "prompts": ["a drawing of hearts"], "display_name": "hearts"}, {"id": 3, "name": "people in a role", "hot_key": "3", "prompts": ["a drawing of people in a role"], "display_name": "people in a role"}, {"id": 4, "name": "mammals", "hot_key": "4", "prompts": ["a drawing of mammals"], "display_name": "mammals"}, {"id": 5, "name": "birds", "hot_key": "5", "prompts": ["a drawing of birds"], "display_name": "birds"}, {"id": 6, "name": "fish and insects", "hot_key": "6", "prompts": ["a drawing of fish and insects"], "display_name": "fish and insects"}, {"id": 7, "name": "plants", "hot_key": "7", "prompts": ["a drawing of plants"], "display_name": "plants"}, {"id": 8, "name": "fruit and vegetables", "hot_key": "8", "prompts": ["a drawing of fruit and vegetables"], "display_name": "fruit and vegetables"}, {"id": 9, "name": "meals", "hot_key": "9", "prompts": ["a drawing of meals"], "display_name": "meals"}, {"id": 10, "name": "sweets and drinks", "hot_key": "a", "prompts": ["a drawing of sweets and drinks"], "display_name": "sweets and drinks"}, {"id": 11, "name": "buildings", "hot_key": "b", "prompts": ["a drawing of buildings"], "display_name": "buildings"}, {"id": 12, "name": "vehicles", "hot_key": "c", "prompts": ["a drawing of vehicles"], "display_name": "vehicles"}, {"id": 13, "name": "clocks", "hot_key": "d", "prompts": ["a drawing of clocks"], "display_name": "clocks"}, {"id": 14, "name": "weather", "hot_key": "e", "prompts": ["a drawing of weather"], "display_name": "weather"}, {"id": 15, "name": "celebrations", "hot_key": "f", "prompts": ["a drawing of celebrations"], "display_name": "celebrations"}, {"id": 16, "name": "sports and games", "hot_key": "g", "prompts": ["a drawing of sports and games"], "display_name": "sports and games"}, {"id": 17, "name": "clothes", "hot_key": "h", "prompts": ["a drawing of clothes"], "display_name": "clothes"}, {"id": 18, "name": "music and computers", "hot_key": "i", "prompts": ["a drawing of music and computers"], "display_name": "music and computers"}, {"id": 19, "name": "paper and mail", "hot_key": "j", "prompts": ["a drawing of paper and mail"], "display_name": "paper and mail"}, {"id": 20, "name": "tools", "hot_key": "k", "prompts": ["a drawing of tools"], "display_name": "tools"}, {"id": 21, "name": "arrows and letters", "hot_key": "l", "prompts": ["a drawing of arrows and letters"], "display_name": "arrows and letters"}, {"id": 22, "name": "geometric shapes", "hot_key": "m", "prompts": ["a drawing of geometric shapes"], "display_name": "geometric shapes"}], "version": "1", "suggestion": false, "probabilities": false}', '2026-11-28 20:34:40.045598+00');
INSERT INTO public.session VALUES ('13125161a46f444833286cc1730a20c8f1015f82998dccdb19f40a7fcd9fdbfd', 5, NULL, '2026-11-28 20:34:41.806307+00', '2026-12-05 20:34:41.806307+00');
INSERT INTO public.session VALUES ('94d90c9c7ccf0b061bd5397b824324295fa056ac0262850f283314f068320047', 3, NULL, '2026-11-28 20:34:42.218583+00', '2026-12-05 20:34:42.218583+00');
INSERT INTO public.sign_in_limit VALUES ('address:127.0.0.1', '2026-11-28 20:34:51.809069+00');
INSERT INTO public.trial VALUES (1, 1, '59031b083439e0e8222105cf1b849ca77996ce16512ceb1018cfe2852b19cd51', 'default', 0, 2, 10, NULL, 'batch', 0);
INSERT INTO public.trial VALUES (3, 1, '6da462fefa7afea0eddd9205f7b69028198e4c9277889bdc06b4bff290fc7f4c', 'random', 0, 2, 10, NULL, 'batch', 0);
INSERT INTO public.trial_point VALUES (1, 0, 0, 0, 5.369519317854675, 0.4854934432289817, 0, 0, '[]');
INSERT INTO public.trial_point VALUES (1, 1, 2, 0.09090909090909091, 3.2857626768696817, 0.09429507228461179, 0.00894133600013447, 0.39648377895355225, '[24, 6]');
INSERT INTO public.trial_point VALUES (3, 0, 0, 0, 5.369519317854675, 0.4854934432289817, 0, 0, '[]');
INSERT INTO public.trial_point VALUES (3, 1, 2, 0, 5.172306774081839, 0.4495437497442419, 0.0002456259999235044, 1.8634603023529053, '[35, 2]');
SELECT pg_catalog.setval('public.adjudication_id_seq', 1, true);
SELECT pg_catalog.setval('public.annotator_id_seq', 5, true);
SELECT pg_catalog.setval('public.backtest_id_seq', 1, true);
SELECT pg_catalog.setval('public.candidate_id_seq', 16, true);
SELECT pg_catalog.setval('public.class_label_id_seq', 46, true);
SELECT pg_catalog.setval('public.gold_check_id_seq', 2, true);
SELECT pg_catalog.setval('public.grid_page_id_seq', 1, true);
SELECT pg_catalog.setval('public.invitation_id_seq', 2, true);
SELECT pg_catalog.setval('public.item_id_seq', 90, true);
SELECT pg_catalog.setval('public.label_history_id_seq', 17, true);
SELECT pg_catalog.setval('public.label_id_seq', 15, true);
SELECT pg_catalog.setval('public.project_id_seq', 3, true);
SELECT pg_catalog.setval('public.rejection_id_seq', 3, true);
SELECT pg_catalog.setval('public.round_id_seq', 3, true);
SELECT pg_catalog.setval('public.trial_id_seq', 4, true);
ALTER TABLE ONLY public.alflow_version
    ADD CONSTRAINT alflow_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT pk_account PRIMARY KEY (annotator_id);
ALTER TABLE ONLY public.adjudication
    ADD CONSTRAINT pk_adjudication PRIMARY KEY (id);
ALTER TABLE ONLY public.annotator
    ADD CONSTRAINT pk_annotator PRIMARY KEY (id);
ALTER TABLE ONLY public.backtest
    ADD CONSTRAINT pk_backtest PRIMARY KEY (id);
ALTER TABLE ONLY public.candidate
    ADD CONSTRAINT pk_candidate PRIMARY KEY (id);
ALTER TABLE ONLY public.class_label
    ADD CONSTRAINT pk_class_label PRIMARY KEY (id);
ALTER TABLE ONLY public.evaluation
    ADD CONSTRAINT pk_evaluation PRIMARY KEY (project_id, round_number, split);
ALTER TABLE ONLY public.gold_check
    ADD CONSTRAINT pk_gold_check PRIMARY KEY (id);
ALTER TABLE ONLY public.grid_cell
    ADD CONSTRAINT pk_grid_cell PRIMARY KEY (grid_page_id, candidate_id);
ALTER TABLE ONLY public.grid_page
    ADD CONSTRAINT pk_grid_page PRIMARY KEY (id);
ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT pk_invitation PRIMARY KEY (id);
ALTER TABLE ONLY public.item
    ADD CONSTRAINT pk_item PRIMARY KEY (id);
ALTER TABLE ONLY public.label
    ADD CONSTRAINT pk_label PRIMARY KEY (id);
ALTER TABLE ONLY public.label_history
    ADD CONSTRAINT pk_label_history PRIMARY KEY (id);
ALTER TABLE ONLY public.lease
    ADD CONSTRAINT pk_lease PRIMARY KEY (candidate_id, annotator_id);
ALTER TABLE ONLY public.membership
    ADD CONSTRAINT pk_membership PRIMARY KEY (project_id, annotator_id);
ALTER TABLE ONLY public.presence
    ADD CONSTRAINT pk_presence PRIMARY KEY (project_id, annotator_id);
ALTER TABLE ONLY public.project
    ADD CONSTRAINT pk_project PRIMARY KEY (id);
ALTER TABLE ONLY public.rejection
    ADD CONSTRAINT pk_rejection PRIMARY KEY (id);
ALTER TABLE ONLY public.round
    ADD CONSTRAINT pk_round PRIMARY KEY (id);
ALTER TABLE ONLY public.screen
    ADD CONSTRAINT pk_screen PRIMARY KEY (hash);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT pk_session PRIMARY KEY (token_hash);
ALTER TABLE ONLY public.sign_in_limit
    ADD CONSTRAINT pk_sign_in_limit PRIMARY KEY (key);
ALTER TABLE ONLY public.trial
    ADD CONSTRAINT pk_trial PRIMARY KEY (id);
ALTER TABLE ONLY public.trial_point
    ADD CONSTRAINT pk_trial_point PRIMARY KEY (trial_id, number);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT uq_account_email UNIQUE (email);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT uq_account_login UNIQUE (login);
ALTER TABLE ONLY public.annotator
    ADD CONSTRAINT uq_annotator_name UNIQUE (name);
ALTER TABLE ONLY public.backtest
    ADD CONSTRAINT uq_backtest_world UNIQUE (world);
ALTER TABLE ONLY public.candidate
    ADD CONSTRAINT uq_candidate_round_id_item_id UNIQUE (round_id, item_id);
ALTER TABLE ONLY public.candidate
    ADD CONSTRAINT uq_candidate_round_id_rank UNIQUE (round_id, rank);
ALTER TABLE ONLY public.class_label
    ADD CONSTRAINT uq_class_label_project_id_name UNIQUE (project_id, name);
ALTER TABLE ONLY public.gold_check
    ADD CONSTRAINT uq_gold_check_project_id_annotator_id_item_id UNIQUE (project_id, annotator_id, item_id);
ALTER TABLE ONLY public.gold_check
    ADD CONSTRAINT uq_gold_check_token UNIQUE (token);
ALTER TABLE ONLY public.grid_page
    ADD CONSTRAINT uq_grid_page_token UNIQUE (token);
ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT uq_invitation_token_hash UNIQUE (token_hash);
ALTER TABLE ONLY public.item
    ADD CONSTRAINT uq_item_project_id_content_hash UNIQUE (project_id, content_hash);
ALTER TABLE ONLY public.label
    ADD CONSTRAINT uq_label_token UNIQUE (token);
ALTER TABLE ONLY public.project
    ADD CONSTRAINT uq_project_name UNIQUE (name);
ALTER TABLE ONLY public.rejection
    ADD CONSTRAINT uq_rejection_project_id_uri UNIQUE (project_id, uri);
ALTER TABLE ONLY public.round
    ADD CONSTRAINT uq_round_project_id_number UNIQUE (project_id, number);
ALTER TABLE ONLY public.trial
    ADD CONSTRAINT uq_trial_backtest_id_key UNIQUE (backtest_id, key);
CREATE INDEX ix_adjudication_class_id ON public.adjudication USING btree (class_id);
CREATE INDEX ix_adjudication_project_id ON public.adjudication USING btree (project_id);
CREATE INDEX ix_backtest_project_id ON public.backtest USING btree (project_id);
CREATE INDEX ix_candidate_item_id ON public.candidate USING btree (item_id);
CREATE INDEX ix_candidate_predicted_class_id ON public.candidate USING btree (predicted_class_id);
CREATE INDEX ix_candidate_unsettled ON public.candidate USING btree (round_id, rank) WHERE (answers < votes_needed);
CREATE INDEX ix_gold_check_class_id ON public.gold_check USING btree (class_id);
CREATE INDEX ix_gold_check_item_id ON public.gold_check USING btree (item_id);
CREATE INDEX ix_grid_cell_candidate_id ON public.grid_cell USING btree (candidate_id);
CREATE INDEX ix_grid_page_class_id ON public.grid_page USING btree (class_id);
CREATE INDEX ix_grid_page_round_id ON public.grid_page USING btree (round_id);
CREATE INDEX ix_invitation_annotator_id ON public.invitation USING btree (annotator_id);
CREATE INDEX ix_invitation_email ON public.invitation USING btree (email);
CREATE INDEX ix_invitation_invited_by ON public.invitation USING btree (invited_by);
CREATE INDEX ix_invitation_project_id ON public.invitation USING btree (project_id);
CREATE INDEX ix_item_project_id_split_id ON public.item USING btree (project_id, split, id);
CREATE INDEX ix_item_truth ON public.item USING btree (truth);
CREATE INDEX ix_label_aside ON public.label USING btree (project_id, verdict) WHERE (((verdict)::text <> 'class'::text) AND (withdrawn_at IS NULL));
CREATE INDEX ix_label_candidate_id ON public.label USING btree (candidate_id);
CREATE INDEX ix_label_class_id ON public.label USING btree (class_id);
CREATE INDEX ix_label_history_item_id ON public.label_history USING btree (item_id);
CREATE INDEX ix_label_history_label_id ON public.label_history USING btree (label_id);
CREATE INDEX ix_label_item_id ON public.label USING btree (item_id);
CREATE INDEX ix_label_project_id_annotator_id_id ON public.label USING btree (project_id, annotator_id, id);
CREATE INDEX ix_label_round_id ON public.label USING btree (round_id);
CREATE INDEX ix_label_standing ON public.label USING btree (item_id, annotator_id) WHERE (withdrawn_at IS NULL);
CREATE INDEX ix_lease_annotator_id ON public.lease USING btree (annotator_id);
CREATE INDEX ix_membership_annotator_id ON public.membership USING btree (annotator_id);
CREATE INDEX ix_presence_annotator_id ON public.presence USING btree (annotator_id);
CREATE INDEX ix_session_annotator_id ON public.session USING btree (annotator_id);
CREATE INDEX ix_session_expires_at ON public.session USING btree (expires_at);
CREATE INDEX ix_sign_in_limit_until ON public.sign_in_limit USING btree (until);
CREATE UNIQUE INDEX uq_adjudication_standing ON public.adjudication USING btree (item_id) WHERE (withdrawn_at IS NULL);
CREATE UNIQUE INDEX uq_gold_check_open ON public.gold_check USING btree (project_id, annotator_id) WHERE (answered_at IS NULL);
CREATE UNIQUE INDEX uq_label_active ON public.label USING btree (candidate_id, annotator_id) WHERE (withdrawn_at IS NULL);
CREATE UNIQUE INDEX uq_round_unclosed ON public.round USING btree (project_id) WHERE ((state)::text <> 'closed'::text);
CREATE TRIGGER label_history AFTER INSERT OR DELETE OR UPDATE ON public.label FOR EACH ROW EXECUTE FUNCTION public.alflow_label_history();
CREATE TRIGGER label_history_by_trigger BEFORE INSERT ON public.label_history FOR EACH ROW EXECUTE FUNCTION public.alflow_by_trigger_only();
CREATE TRIGGER label_history_kept BEFORE DELETE OR UPDATE ON public.label_history FOR EACH ROW EXECUTE FUNCTION public.alflow_written_once();
CREATE TRIGGER label_history_not_truncated BEFORE TRUNCATE ON public.label_history FOR EACH STATEMENT EXECUTE FUNCTION public.alflow_written_once();
CREATE TRIGGER label_keeps_its_id BEFORE UPDATE OF id ON public.label FOR EACH ROW WHEN ((new.id <> old.id)) EXECUTE FUNCTION public.alflow_keeps_its_id();
CREATE TRIGGER label_not_truncated BEFORE TRUNCATE ON public.label FOR EACH STATEMENT EXECUTE FUNCTION public.alflow_written_once();
CREATE TRIGGER screen_kept BEFORE DELETE OR UPDATE ON public.screen FOR EACH ROW EXECUTE FUNCTION public.alflow_written_once();
CREATE TRIGGER screen_not_truncated BEFORE TRUNCATE ON public.screen FOR EACH STATEMENT EXECUTE FUNCTION public.alflow_written_once();
ALTER TABLE ONLY public.account
    ADD CONSTRAINT fk_account_annotator_id FOREIGN KEY (annotator_id) REFERENCES public.annotator(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.adjudication
    ADD CONSTRAINT fk_adjudication_annotator_id FOREIGN KEY (annotator_id) REFERENCES public.annotator(id);
ALTER TABLE ONLY public.adjudication
    ADD CONSTRAINT fk_adjudication_class_id FOREIGN KEY (class_id) REFERENCES public.class_label(id);
ALTER TABLE ONLY public.adjudication
    ADD CONSTRAINT fk_adjudication_item_id FOREIGN KEY (item_id) REFERENCES public.item(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.adjudication
    ADD CONSTRAINT fk_adjudication_project_id FOREIGN KEY (project_id) REFERENCES public.project(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.backtest
    ADD CONSTRAINT fk_backtest_project_id FOREIGN KEY (project_id) REFERENCES public.project(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.candidate
    ADD CONSTRAINT fk_candidate_chosen_by FOREIGN KEY (chosen_by) REFERENCES public.annotator(id);
ALTER TABLE ONLY public.candidate
    ADD CONSTRAINT fk_candidate_item_id FOREIGN KEY (item_id) REFERENCES public.item(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.candidate
    ADD CONSTRAINT fk_candidate_predicted_class_id FOREIGN KEY (predicted_class_id) REFERENCES public.class_label(id);
ALTER TABLE ONLY public.candidate
    ADD CONSTRAINT fk_candidate_round_id FOREIGN KEY (round_id) REFERENCES public.round(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.class_label
    ADD CONSTRAINT fk_class_label_project_id FOREIGN KEY (project_id) REFERENCES public.project(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.evaluation
    ADD CONSTRAINT fk_evaluation_project_id FOREIGN KEY (project_id) REFERENCES public.project(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.gold_check
    ADD CONSTRAINT fk_gold_check_annotator_id FOREIGN KEY (annotator_id) REFERENCES public.annotator(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.gold_check
    ADD CONSTRAINT fk_gold_check_class_id FOREIGN KEY (class_id) REFERENCES public.class_label(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.gold_check
    ADD CONSTRAINT fk_gold_check_item_id FOREIGN KEY (item_id) REFERENCES public.item(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.gold_check
    ADD CONSTRAINT fk_gold_check_project_id FOREIGN KEY (project_id) REFERENCES public.project(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.grid_cell
    ADD CONSTRAINT fk_grid_cell_candidate_id FOREIGN KEY (candidate_id) REFERENCES public.candidate(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.grid_cell
    ADD CONSTRAINT fk_grid_cell_grid_page_id FOREIGN KEY (grid_page_id) REFERENCES public.grid_page(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.grid_page
    ADD CONSTRAINT fk_grid_page_annotator_id FOREIGN KEY (annotator_id) REFERENCES public.annotator(id);
ALTER TABLE ONLY public.grid_page
    ADD CONSTRAINT fk_grid_page_class_id FOREIGN KEY (class_id) REFERENCES public.class_label(id);
ALTER TABLE ONLY public.grid_page
    ADD CONSTRAINT fk_grid_page_round_id FOREIGN KEY (round_id) REFERENCES public.round(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT fk_invitation_annotator_id FOREIGN KEY (annotator_id) REFERENCES public.account(annotator_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT fk_invitation_invited_by FOREIGN KEY (invited_by) REFERENCES public.annotator(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT fk_invitation_project_id FOREIGN KEY (project_id) REFERENCES public.project(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.item
    ADD CONSTRAINT fk_item_project_id FOREIGN KEY (project_id) REFERENCES public.project(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.item
    ADD CONSTRAINT fk_item_truth FOREIGN KEY (truth) REFERENCES public.class_label(id);
ALTER TABLE ONLY public.label
    ADD CONSTRAINT fk_label_annotator_id FOREIGN KEY (annotator_id) REFERENCES public.annotator(id);
ALTER TABLE ONLY public.label
    ADD CONSTRAINT fk_label_candidate_id FOREIGN KEY (candidate_id) REFERENCES public.candidate(id);
ALTER TABLE ONLY public.label
    ADD CONSTRAINT fk_label_class_id FOREIGN KEY (class_id) REFERENCES public.class_label(id);
ALTER TABLE ONLY public.label
    ADD CONSTRAINT fk_label_item_id FOREIGN KEY (item_id) REFERENCES public.item(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.label
    ADD CONSTRAINT fk_label_project_id FOREIGN KEY (project_id) REFERENCES public.project(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.label
    ADD CONSTRAINT fk_label_round_id FOREIGN KEY (round_id) REFERENCES public.round(id);
ALTER TABLE ONLY public.label
    ADD CONSTRAINT fk_label_withdrawn_by FOREIGN KEY (withdrawn_by) REFERENCES public.annotator(id);
ALTER TABLE ONLY public.lease
    ADD CONSTRAINT fk_lease_annotator_id FOREIGN KEY (annotator_id) REFERENCES public.annotator(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.lease
    ADD CONSTRAINT fk_lease_candidate_id FOREIGN KEY (candidate_id) REFERENCES public.candidate(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.membership
    ADD CONSTRAINT fk_membership_annotator_id FOREIGN KEY (annotator_id) REFERENCES public.account(annotator_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.membership
    ADD CONSTRAINT fk_membership_project_id FOREIGN KEY (project_id) REFERENCES public.project(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.presence
    ADD CONSTRAINT fk_presence_annotator_id FOREIGN KEY (annotator_id) REFERENCES public.annotator(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.presence
    ADD CONSTRAINT fk_presence_project_id FOREIGN KEY (project_id) REFERENCES public.project(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.rejection
    ADD CONSTRAINT fk_rejection_project_id FOREIGN KEY (project_id) REFERENCES public.project(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.round
    ADD CONSTRAINT fk_round_project_id FOREIGN KEY (project_id) REFERENCES public.project(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.session
    ADD CONSTRAINT fk_session_annotator_id FOREIGN KEY (annotator_id) REFERENCES public.annotator(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.trial
    ADD CONSTRAINT fk_trial_backtest_id FOREIGN KEY (backtest_id) REFERENCES public.backtest(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.trial_point
    ADD CONSTRAINT fk_trial_point_trial_id FOREIGN KEY (trial_id) REFERENCES public.trial(id) ON DELETE CASCADE;
