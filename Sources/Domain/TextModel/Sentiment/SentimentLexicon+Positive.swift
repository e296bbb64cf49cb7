extension SentimentLexicon {
    /// Words of positive valence; see ``SentimentLexicon`` for where they are from and their license.
    static let positive = """
        4 admitted anticipation apologised apologize await beauticians benefice beneficiation brights bwahaha
        4 challengers champignon charmeuses cleared creatinine darings defence defenceman defender defensibility
        4 delicatessen delicatessens demonstration dumpling dwelled dynamiters easements enthral exempt expands
        4 fantastico flagship flatter flattery flirtiest freelancers freelancing freesia freesias freestyler fumet
        4 funnels fysa gracilis gratin importancies isolationism kidding legally libertarianism libertines longings
        4 meritocrat nasturtium numbles opportunism painlessness passionflowers pretending prizefighting profiterole
        4 promisors radian reached resolvents safes sentimentalising sentimentalisms sentimentalizations slicker
        4 speculative stealthiest suprematists suretyships teaspoonfuls tenderizer tenderloins thriller tolerantly
        4 treasurers treasurership trivially trustor vigorishes vigorousness vigours warmouth warmup welled wellies
        4 wisents yoyo
        5 adorns ambivalent amortise amortizable assuror calmatives carefully challenger champagnes champaigns champers
        5 commitments contender creationists daredevil defense devotees divinise dwell escapes excitor exclusive extends
        5 feeling fervid flirtatious freehand freeholder freewheel freewheeling funnelform harmonicist herons idealogues
        5 impressionisms impressionists impressments joker keener laidback launched legal lowe outmaneuvered panicle
        5 popularises profiteers profiteroles reliant soothed stronghold strongmen supremacist teaspoons tendered
        5 tranquillities treasurer triumphalist troubleshoots trusteeship unequaled vigorously wellheads wellsite
        5 yearning zealous
        6 activeness amoretto amortization amortizes benignancy blamelessness brisk careful challenging comedienne
        6 contestable convincer crediting defencemen delicates dignitaries dominatrixes dynamometry dynamotor emotional
        6 engagements engrossed fighter flatters flirtatiousness flirters flirty freewheels giggler graciles greets
        6 guiltlessness harmonica honoraria humoral idealising impressure indestructible infatuation intellection
        6 intricate invite joyridden keeners meritocracy methodical mmk nerdiest numberable peculiar peculiarity
        6 perfectas rapture ratified scoop securers slap smilax solemnizes solid strongyl surpriser tenderer tendering
        6 tenders tensionless trusteeships verdict vested victimless vitalised warming wishes worshipper
        7 adopt adopts amazon amusable assets assurors blameless casually champing cleaner competitive convinces
        7 convincingness creationism defenses dynamite escape excelsior extend favoritism favoritisms flirts freeboards
        7 freedmen freehold freelanced freelances freemasonries freestyle freeware fumer growing guiltlessly heronries
        7 honorarium idealists ijs inquisitive iou isolationist joyrider joystick longingly offenseless partiers
        7 peaceniks perfectionistic pmji privileging profiter raptures relaxants resolved resolvent resolver resolves
        7 securitizing sentimentalists smarted solemnization solutions spirit stout strongbox strongman surprisals
        7 tenderheartedness toughed tougher troubleshooting vigilant worshipful
        8 acquit activenesses admit adorned adornments adventuress agrees amortized amortizing amusingly apologises
        8 bargain brilliantine casual chances chuckler crazyweed creationist debonair defensible determinate
        8 determinations divined divines dominance doubtlessness entrusted excitons fine flawlessly flirting freebased
        8 freebases freestylers freewheelingly freewriting fyi giggles glamourize guiltless harmlessness harmoniums
        8 idealisms idealogy ideals important impressible impressionism inspirits intact intellections intellectively
        8 intellectualists intellectualizing invigorated jho joyrides livelihood nurturers palatableness passive
        8 peacenik playing pmbi prizers profiteer promisee radiancies reaching recommended retreat richens safelights
        8 sentimentalised sentimentalist sentimentalize sentimentalizing significant sillies silliest smug solemnly
        8 solve substantial succession superiorities supremacies swift top tranquillest tranquillizing treasury
        8 troubleshoot troubleshooters unbelievable urgent vitalizations warmups worshippers xtc
        9 acceptations adequate adorn adorners adventurers allow appeased appeases assurer attractancy audacious awarder
        9 benignities blamelessly boldnesses buoyant certainties cheerleader clarifies compassionateness compelling
        9 consent decisive determinable determinably determinatives divining doubtless dynamists dynamitic energies
        9 exhaustlessness exploration fad flexible freeform graced grants grins hailed harmonicists harmonium
        9 harmonizations hhok humoresques impression impressions innocenter intrigues jokesters joking joyriding
        9 libertarian livelihoods lown loyalisms musm okay opportunistically optimizations pardoned perfectiveness
        9 perfectives popularizations prepared profitwise promissory raptured recommends romanticized sentimentalities
        9 spark stimulate stimulated straight successional successively successor surprised surprises tendernesses
        9 terrorless toughening treasuries triumphalists validated vigour virtuosi visions warm wilco wiselier wishing
        9 worshipers worth
        10 abilities acquitted adorning advanced advantage alright amazonstone amoristic appeasing beneficiate bffn
        10 brightener brighteners certainty champed champy chance cleverish comprehensive conciliate consents convince
        10 created cutesie dearies delicately determinacy dream easing endorsed engagers engages entertainers
        10 excitableness exonerating favors flatteringly flexibilities freeholds freers freethinker freethinkers
        10 freewill frisky fulfills gigglier giggly gracioso granted guarantee harmless heroicomic honorariums immortal
        10 impressionist interests jhomf jokes joyrode justifiably keenly loyalism luckiness magnification neater plays
        10 pleasers poised popularizers pressureless prizefighter prizer promisor readiness relaxant relaxations
        10 relievers resolvable richening sentimentalism sillier steadfast stimulates strongholds successiveness
        10 superiors surefire surety troubleshooter trustee trusties vigors virtuose vision warmers wells worshiper
        10 worshiping wowsers
        11 acceptability accepted actives agreed agreements amuser appease apprehensible assurers attachments beneficed
        11 benefices benignantly brightwork calmative certain chic chuckles chucklesome committed conciliated
        11 conciliates consolable create creates creation creationisms definite desired determinateness determinative
        11 determinator devotements divinations dynamics energy engager ensuring entitled excitatory faultlessness
        11 fearlessly fearlessness fervent fitness forgive forgiveness freedman freelancer freer freestanding
        11 freethinking gigglingly god grandee greeted grinned grinner happing helpers heroicomical humor humoured
        11 increased innocents invigorator jokey joyride lenient loyalists meriting meritocrats merrythought neatens
        11 neats outreach painlessly palatably partyers popularised profitabilities profitability promisees radiances
        11 relievable resolute respectiveness safeguarding safelight salient securement sentimentalized sentimentalizes
        11 significance smarty sociability solved solves strongly successionally successive successors supporter
        11 surprise surprising tnx tolerant txs vigor visioning vitalise vitalises vitally vitals warmed warms well
        11 willingness worshipfully yolo
        12 absolve admiralty admits adventurer adventurists alert amorino attachment attractor attractors avid awardees
        12 beautician benevolentness blithe bolder champagne championed cheerio cheerleaders cheerleading cheerleads
        12 chuckled chucklers chucklingly comedians comforters commit convivial creating creditableness determinately
        12 devotional devotionals diviners doubtlessly dynamical dynamisms eased excitability excitants festivalgoers
        12 flatteries forgivers freeborn freedoms freelance frees glamorising glorioles gracility grandees hago
        12 heavenwards helping humored humoresque humorist hurraying idealize immune impressibility inspirators
        12 intellectualized intelligibly invigorations invigorators jaunty jocular join joke laughableness laughably
        12 libertinisms lucking magnifications neaten nicety opportuneness outgoing painless pardons partyer perfective
        12 playfulness popularising promisingly prospect prospects radiants relaxins respectableness restore restores
        12 restoring romanticizing securities sentimentalise sentimentality sentimentalization share shares singleminded
        12 sociabilities solidarity sparkling stable stamina succeeder supportive surer surprisingly surviving swiftly
        12 tenderers tolerance tranquilly treasure treasurerships trustors usefulness vital vitalities vitamin warmer
        12 wiser worship yeah yep
        13 ability absolves acceptable acceptableness acceptation accepts achievable acquitting actively admiral adorner
        13 adornment adventure adventured adventuresomeness adventurously agreeablenesses amusers apologized assures
        13 assurgent attractant awarders benign benignity bolds boosts calm calmly calms comfortableness competent
        13 conciliating cool curious cutely desirable desirous eases easygoing embrace endorse endorsement entertain
        13 expand fair faithed fan fantasticalness favorer favouring festivalgoer flattering flexibly freebee freebees
        13 freedwomen fresh funnies funnymen glamorise gracing granting gratify greet harmonies harmonised heros
        13 honorers huge humorists idealizer importantly improvements improvers incentives increase inspirited
        13 intellectualistic inviting invulnerable joked joyriders kewl laoj leet meaningful meritoriously nbd neatening
        13 neatness novel nurturances optimally optimistic original pardon perfectionism perfecto pleasantries please
        13 popularization popularize pray profited prominent promise promiser protects radiantly redeemed reliefs
        13 relievo rescues respectfulnesses respects responsible riskless romancer romances romanticises romanticists
        13 secures securing sentimental shockproof smartie sok solution soothing sparkles spirited strengthen succeeders
        13 supported supremos sure surest sureties trustier truth vitality vitalizing wises wisewomen youthful
        14 advantaged adventures adventuresses adventurist adventurous agreeing applauds assurance assurances assure
        14 assuredness attractants badass benefic benevolently boosting brightnesses certainly charitably chuckling
        14 clevernesses contented contentedness creditabilities daringness delectables determined devote diamond
        14 dignities dynamist easefully easily endorses engage engaging enthusiasts excited exciters exultantly favorers
        14 flexibility forgave forgivingly freehanded funnyman gains gentler gigglers giver giving gladly glamors
        14 harmlessly harmonising harmonizing heavenward helper highlight honorary honorific humerous idealise
        14 idealizations idealizing importancy innocent innocently intellectually intelligible irresistible keenness
        14 lawl magnificoes meditative merited motivation neatly ntmu nurture openness partied partier perfecta
        14 perfecters play played popularizes prays pride promotes proudhearted radiance radiancy reassurances reassure
        14 relaxers relievedly resolvers respectively restored revive robust safeguards safekeeping secure securely
        14 secureness securitized security shared solving strengtheners superiority tenderest thks validates validating
        14 value valuing vitalizes warmish welcomed welcomer wellsprings worships worthwhile
        15 absolved acceptably admirals admires advantageous advantages adventurism affectionally affections agree
        15 amusement amusements apologizes applauded appreciators asset assured attract beneficences boldly boldness
        15 boosted brightens brightly calmer charminger cheerled comedy comfort contentment courtesy coziness creatively
        15 credited credits cutesier cuteys cutie daring devotement dynamically dynamistic eager ease easeful
        15 easygoingness efficiency elation encouraged encourager encouragers energizations engagingly enthusiast
        15 excitabilities excitable fantasticate festivals fiestas fit freehearted freemen giggled giggling gloriole
        15 grant gratifies greater grinning harmonics harmonizes honoraries humoristic idealities importance
        15 impressionistic incentive inspiratory intellectualization intellectualize intellectualness intelligencer
        15 intelligentsia intelligibility intelligibleness interestedly invigoration jewel jokester keen kissers like
        15 loyalist mercy natural niceties nurtural opportunely optimal optimizer perfectible perfectionist pleasanter
        15 popularizing praying privilege promised promoting ready reassurance reassures recommend relaxedly relaxes
        15 relieve reliever relieves relieving responsive restful romanticization safeguarded safeness safeties
        15 satisfactoriness satisfactory scrumptiously securer sincerities smartened smartens smartly smartnesses smile
        15 smileys sociableness soothe supportiveness supports surefootedness surprisal survivor sympathy tenderhearted
        15 thank thrill thrills thx tranquilities tranquilness truer trustfully validate vigoroso virtues vitalized
        15 warmness wealthy wellspring wised
        16 absolving accept acceptabilities acceptant accepting admiralties admirations admiring adores advantageousness
        16 advantaging agreeably alive amorist amusing apologise appreciativeness assuredly assuring astonished beaut
        16 benefits blessedness bold boldest brighter brightness calmed calmest calmnesses capable captivated
        16 charitablenesses cherish clear comedian comediennes commitment compassionated compassionates compassionating
        16 convincingly creations creativity credit darlingly dear delighting devotedly devotee devotes divinatory
        16 dynamic dynamism eagerly eagers easement easiness efficiencies elegancies enchanted energization ensure
        16 entertainer enthuse exonerates favorably favourer favourers flattered focused foolproof forgivably forgiven
        16 freedwoman freeness freest friendships funninesses gained glamorization glamorizers glorifiers graces
        16 gratification gratified greeting grinners growth harmonized harmonizer harmonizers helps holidays honourers
        16 hoped hopefulness huggable hugger humorous humors idealist impressionistically innocence innovation integrity
        16 intellectuals intelligencers intelligences kissed liveliness lts luckie lucks lylb merrythoughts motivate
        16 niceness nurturance opportunities optimisation optimises optimists optimization palatable partying passional
        16 peacekeeper peacekeepers peacekeepings perfects picturesque playfully popularise popularities positivism
        16 prettied privileges profitably profiting promisers promises promote protect relaxer relieved relishing
        16 resolve resolving respecters revives rewarder safeguard satisfactorily securitizes smarts sociably stressless
        16 stresslessness stronger stunning surefootedly thoughtful tranquilest trustily trustiness trustingly
        16 trustingness unified untarnished vindicates vitalization vitalize welldoers welling wiseliest worshipfulness
        16 worshipping xqzt yvw
        17 acceptances accomplishes active admirers adorer adventuresome adventuristic amuse amuses amusive appreciate
        17 appreciations appreciatory approves astound attracts awarded beautifier beautifiers beauts beneficialness
        17 benefitted benevolence blessedly boost calming calmness carefree charitable charm cheerer cheerlead chuckle
        17 clarity clean clearly comedic comedies comforting comfortingly compassionately complimentarily compliments
        17 convinced convincing creativities creditably definitely desire determination devoted dignity divination
        17 dreams eagerness efficiently empathetic energizers engaged enlightens entertained enthuses exhilarating
        17 fantasticality favor favorited flirtation forgivable forgiver forgives freed freeman freenesses friended
        17 funnier gallant gga giggliest givers glamorize gracile grander hardy harmonize harmony healthy heavens help
        17 hilarious holiday honorer honorifics hopefully hugged humouring idealism idealistically impressiveness
        17 intellective intellectualities intellectuality interested interesting interestingly jollities justified
        17 kisser laugher laughers liking livelier livelong meritoriousness merits merrier merrymakers neatest nifty
        17 nurturant opportune optimised optimising pardoning parties party peaceable peacemaking pleaser pleases
        17 positivists pretties promising rapturous reassured reassuring reinvigorating relaxin respectably respectfully
        17 romancers romantic romanticise romanticised safest secured sincere smart smartening smarties smiler smiley
        17 special splendiferousness strengths strongish support terrifically thoughtfully treat trusting truthfulness
        17 valuableness values virtuosa warmest warmly welcomes wish yeees yes
        18 accomplish admirer adored adventurousness affectioned agreeable agreeableness amorous amused amusingness
        18 applause appreciatively approved astounded astounding attracted attractions attractiveness awardee beatific
        18 beautifies beneficiaries bless cared championing champs charity cheerers comfortably comforted complimented
        18 creativeness creditable cutes dearly deliciousness devotions dignify divinities easier easiest efficient
        18 elegances encouragement energetically enjoyably entertainment excitant excitation excitations exonerate
        18 exonerated faith faithfully faiths favored favoring favorites favoured favours foaf forgivingness freebie
        18 freebies friending friendlily fulfilled funniness funning gaining generously genial gentlest giggle
        18 glamorised glamorizing grace gratefuller gratifications greetings hahas harmonic harmoniousness harmonise
        18 helpful heroines honesties honourer hopes hoping huggers hugging hurrayed idealistic idealization idealized
        18 ideally improver improves improving inspiring inspiriting intellects intellectualizes interestingness jollity
        18 kiss kissy lighthearted liked likes livelily lmbao lol lucky magnifico marvel mature merit nice opportunity
        18 optimisations optimizes peaceableness perfecter perfectibility popular popularizer popularly positivisms
        18 powerful proactive progress promoted reassuringly reinvigorates rescued respectabilities respective
        18 romantically romanticize romanticizes rotglmao safer safety satisfied satisfies saved sharing sincereness
        18 sparkle strengthened strengthener succeeded sunny talent tenderly tenderness thankfully tranquility
        18 tranquillity treasures true trustworthiness truths united usefully vindicated virtue virtuosas virtuosos
        18 virtuously vivacious warmhearted wellborn winnable winned wisely woot
        19 accomplished advantageously affectional affectionate agog agreeability appreciating attractive awarding
        19 beautification beneficial benefitting benevolences better blessers braved braves bright brighten brilliants
        19 championship charitableness charmer charms cheerfuller cherishers classy comforter commend commended
        19 complimentary considerate contentedly creative creditability creditworthiness cutenesses dearer dears deary
        19 deliciously dignitary easy effectively elegantly encourages energetic energising enjoyable enjoyableness
        19 entertaining entertainingly enthusiasm enthusing esteemed excitements exciter excitingly faithful
        19 faithfulness fame fave favour fearless fond fondly forgiving fortunate freely friendship fulfill funnily
        19 funny gallantly gentle gift glamours good hak handsomely harmoniously harmonization helpfulness heroizing
        19 honester honorarily hope hurrahed ideality idealizers impress improve influential innocency innovative
        19 inspirator inspires inspirit intelligential invigorate jovial keenest kissably laughings lively loyalties
        19 lucked luckier nicely nicer nurtured nurturer nurtures optimality optimise peacefuller playful pleased
        19 pleasurability pleasures popularized positivistic praiseworthily preciousness privileged profit profitable
        19 profits protected proudful reinvigorated rejoice relax respectable respectfulness rewarders richened richly
        19 romanticist romantics safe satisfaction satisfiable satisfyingly sentimentally smarten sociable
        19 splendiferously stimulating strongest sunshiny supporters supporting supremo surefooted surely thanked
        19 thankfuller thanks thoughtfulness thrilled tranquiler triumphalisms truest truly truster truthfully urw
        19 useful valued welcomely welcomers welcoming wellness wiseness worthy
        20 acceptance amorousness aok applaud attraction awards benefit blesseder braveries breathtaking brilliantines
        20 carefulness cares charmed cherishable cherishing clever cleverer compassion cute cutiepie dearness dedicated
        20 delighter delights devotedness devotion dignifies encouragingly energizing engagement enjoyments enthused
        20 enthusiasms excel fab fantastical fascinates faultless faultlessly fav favorite festive friendlier
        20 friendliness ftw gently glad glamourous glorification goodness graceful grand grateful gratifyingly gratz
        20 haha handsomer harmonious heroized hhoj honestly hugz humourous idealises idealizes impressively improvement
        20 innovates inspirers intellect intellectualist intelligent intelligently interest invigoratingly jewels
        20 jollies jollifications kindness kissable laughed likeable luck lulz marvels merriments mirthfully mml
        20 motivated neat neatened noble nurturing optimisms optimized optimizing passion peaceably peacekeeping
        20 peacemaker pleasantry positivist praiser praisers prizes rejoiced relaxedness respectful rewardable romancing
        20 romanticizations satisfy satisfying serene sincerer sincerest smarter smartness smiling splendors sprightly
        20 strengthens suave sureness sweet talents thankfullest thrillingly triumphal triumphs truthful virtuoso
        20 virtuousness warmth wealthily welcome welcomeness wows
        21 admire adorably adorers amazedly ambitious applauding approval ardent astoundingly astounds attracting
        21 attractivenesses beautified beautifuler beneficiary brightened champ charmers cheerfully cheerfulness cheers
        21 comedically comforts compliment confidently courageousness cutesy cutey daringly delightedness delightfulness
        21 devoting dignifying effective elegance elegancy elegant encouragements energised energize energizer energizes
        21 excite excites fantasticalities fascinated favorable festivities fiesta freeing friends glamor glamorises
        21 glamorized glamorously glories gorgeousnesses grandeurs gratefully grin harmonically heartwarming heroize
        21 honoree honourable honouring hug humoring humour hurrahs idealised impressed impresses improved inspirations
        21 inspiritingly intelligence invigorates invigorating jollify liveliest loyal loyally medal meritorious
        21 nicenesses okays optimistically optimizers peacefulness peaces peacetimes perfectibilities perfectively
        21 pleasantly popularity prettier prosperous proud radiant rejoices relief respect respected respecter rewards
        21 richnesses roflcopter romanticisms satisfactions scrumptious sincerely slaw smiles splendidly sweeties
        21 sweetly terrific thankfulness thrilling treasuring triumph trueness trustability trusted trustful
        21 trustfulness trusts valuable valuables vbg virtuosity vitalising vwp winners wise wisest woo wtg
        22 admirableness adorability adorable adorations affectionately agreement amazed amazements amazes amusedly
        22 attractively beneficently benignant blessing bravery care caring championships charities charmingly cheeriest
        22 cherisher cherishes compassionate confident congratulate courage cutesiest cuties darlings dearie
        22 devotionally dignified energise energises enjoy enjoyer enjoyers enlightened enthusiastic excelled excitement
        22 exciting fascination favorableness festival festively festivity friend friendlies friendly funner glorifies
        22 gracefuller gracefulness gratefulness hagd hagn hand handsome heroisms heroizes honesty honor honorability
        22 honorableness honorifically honoured honours hugs innovate inspired inspirer intellectualism invincible
        22 jollification joys kinder kindly kmuf laughing laughs laughter laughters lovelies merriness merrymaker
        22 merrymaking motivating nicest optimize passions peaceful peacetime perfectivity positivenesses praised
        22 preciously pretty prouder reinvigoration relaxed relaxing respecting rewarded richness romanced romanticism
        22 safely save splendorous splendour splendours splendrous strength strengthening succeed succeeding succeeds
        22 successfully sunshine superiorly supremest sweetie sweetness sweets triumphed trustiest trusty virtuosic
        22 wealth wealthier wealthiest
        23 admired admiringly adventuring amoroso amorously appreciated appreciates appreciation beautify beautifying
        23 beloved beneficent bravely bravest brilliancies cheer cheered cheering cherished cleverly cleverness
        23 comfortable complimenting confidence courageously courteous cuteness cuter darlingness dauntless delighted
        23 delightsome divinize earnest ecstasies ecstatic encourage energized enjoyed enjoys enlighten enlightening
        23 enterprising entertainments ethical excitedly flawless free fun funned generosity generous glamorous
        23 glorified glorifier gorgeously graciously gratifying gratitude heaven heavenlinesses helpfully heroes honest
        23 honorees honoring honors hooray hopeful humorously impressive inspirational inspirationally intellectual iyq
        23 jolly jollying joyance kfy kindnesses kisses kudos laughingly liberties luckily magnific magnificences muah
        23 passionateness perfecting pleasant pleasantness pleasantnesses pleasured positiveness positiver positivity
        23 prize prizewinner reinvigorate rescue revered smilingly splendidness strong sunnier supremeness supremer
        23 survived swak sympathetic talented tgif tia tops triumphantly triumphing trust trustable trustworthily
        23 valuably vip winningly woohoo xoxozzz
        24 admirability adoringly affection awardable beauties beautifications beneficially brave braver champions
        24 charmingest cheerly congrats courageous creditworthy delightedly encouraging enjoying entertains excellencies
        24 fabulous fascinate festiveness gain generousness glamorizer glamorizes glamour gloried glorifying gracefully
        24 graciousness grandest grandeur handsomeness happier heroically heroics honorably humorousness hurrahing
        24 hurrays ideal inspiration jollied jollier joyfuller justice kind liberty lovers magnifical magnifically
        24 magnificence merrily merriment merrymakings optimist passionate passionately peacefully peacemakers pleasing
        24 pleasurable pleasurableness positively positives praises praiseworthiness prized prizewinners profitableness
        24 relaxation respectability rewarding rewardingly richer riches richest sexy sgtm sunniest triumphant vibrant
        24 virtuous visionary wealthiness winning wisdom worshiped yay yummy
        25 aas admirably admiration adorableness amaze amazement award beauteous blessings bonus brightening bwahahah
        25 cheerful cheerily cheeriness excellences excellency excelling excels fascinating fondness fwb gla glory
        25 heartfelt honorable impressing jolliness joyfully joying lmfao loyalty masterpieces merry mwah optimism peace
        25 perfections praising roflmao rotflmfao smiled superior treasurable tyvm welldoer winnings wowing ywia
        26 admirable adore adoring appreciative appreciator beauteously beautifulest beautifulness blesser blesses
        26 bonuses brilliancy cheerier cheery cleverest dearest delighters divine enjoyment enthusiastically fantastic
        26 friendliest funniest gallantry generosities gloriousness gracious hahaha handsomest happily happiness hero
        26 heroic hurrah inspiringly laugh lylas mirth pleasantest pleasurably positive positivities praise praiseworthy
        26 proudest proudly ptl remarkable rich romance rotfl securest sophisticated splendiferous successes supreme
        26 treasured trustworthy vwd wowed
        27 aayf beauteousness beautifully benevolent bliss celebrate celebrated celebrates celebrating delicious
        27 delightfully divinest divinity excellent glorify happy heavenliest heavenliness heroine honour hurray iluaaf
        27 inspire jollily joyfulness kissing lmso lolz loves lovingness lylab merriest mirthful overjoyed perfect
        27 perfected perfection pleasure precious prettiest reward rofl romanticising sfete splendent success
        27 successfulness supremely tenderheartedly thankful warmheartedness wins won wonderful worshipped
        28 alol amazing beauty beneficence blessedest brilliant charming cutest darling delectably delightful
        28 ecstatically exhilarates exuberant fabulousness godsend gracefullest heroism honored joy joyousness lifesaver
        28 lovely lover loverly miracle pleasuring pukka rejoicing rotflmao sete splendid successful sweethearts
        28 tenderheartednesses win winner wow
        29 adoration ambw beautiful bff blessed blissful blockbuster brilliance brilliances champion congratulation
        29 congratulations delectable delight divinely ecstasy ecstatics funnest gleeful gloriously gorgeousness
        29 heroical jolliest joyed joyful joyously lmao loved loving luckiest magnificent marvelous positivest rotgl
        29 soulmate super wonderfully wonderfulness
        30 amor brightest brilliantly enrapture exhilarated exultant gorgeous hallelujah heavenlier heavenly honestest
        30 jubilant lovable lyb outstanding perfectness prizewinning rotflol smartest splendor xlnt xoxo
        31 awesome excellence excellently great joyous lyl masterpiece peacefullest perfectest superb vbs
        32 best cheerfullest elated euphoric freedom glee glorious greatest happiest heart love lovingly paradise
        32 perfectly
        33 ecstacy euphoria hearts lya sweetheart
        34 aml ilu ily magnificently
        """
}
