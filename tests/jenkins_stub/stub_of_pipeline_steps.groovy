/*
A stub of Jenkins's declarative pipeline: a model, not Jenkins.

It runs Jenkinsfiles one after another: `sh` for real, in the given folder; stages, `when`, `matrix`,
`parallel` and `post` as Jenkins's documentation describes them, in sequence and on one machine. A
directive, option or step that it does not know is an error. Credentials have made-up values.

Standard input is a JSON list of builds; standard output, what happened in each.
*/
import groovy.json.JsonOutput
import groovy.json.JsonSlurper

class StepFailed extends RuntimeException {
    StepFailed(String reason) { super(reason) }
}

class Build {
    Map asked
    Map params = [:]
    List triggers = []
    List options = []
    List log = []
    boolean failed = false

    Map base() {
        (System.getenv() + asked.environment + params).collectEntries { name, value -> [name, value as String] }
    }
}

// What every block can name.
class Block {
    Build build
    Map scope = [:] // the environment
    List secrets = [] // ids of the credentials in it

    def getParams() { build.params }
    def getEnv() { build.base() + scope }
    def getAny() { 'any' }
    def getNone() { 'none' }
    def getHudson() { [model: [Result: [SUCCESS: 'SUCCESS']]] }
    def methodMissing(String name, arguments) {
        throw new MissingMethodException(name, getClass(), arguments as Object[])
    }

    def inside(Block block, Closure closure) {
        def copy = closure.rehydrate(block, closure.owner, closure.thisObject)
        copy.resolveStrategy = Closure.DELEGATE_ONLY
        copy()
        block
    }
}

class Recorder extends Block {
    List calls = []
    List known

    def methodMissing(String name, arguments) {
        if (!(name in known)) {
            throw new MissingMethodException(name, getClass(), arguments as Object[])
        }
        calls << [name: name, arguments: arguments as List]
        calls.last()
    }
}

class Environment extends Block {
    Map found = [:]
    List ids = []

    def credentials(String id) {
        ids << id
        "secret of $id".toString()
    }
    void setProperty(String name, value) {
        if (name in ['build', 'scope', 'secrets', 'found', 'ids']) {
            getMetaClass().setProperty(this, name, value)
        } else {
            found[name] = value as String
        }
    }
}

class Condition extends Block {
    List verdicts = []

    def event() { build.asked.event }
    def branch(String name) { verdicts << (!event().change && !event().tag && event().branch == name) }
    def changeRequest() { verdicts << (event().change as boolean) }
    def buildingTag() { verdicts << (event().tag as boolean) }
    def tag(String glob) {
        verdicts << ((event().tag ?: '') ==~ glob.replace('.', '\\.').replace('*', '.*'))
    }
    def triggeredBy(String cause) { verdicts << (event().cause == cause) }
    def expression(Closure closure) {
        def copy = closure.rehydrate(this, closure.owner, closure.thisObject)
        copy.resolveStrategy = Closure.DELEGATE_ONLY
        verdicts << (copy() as boolean)
    }
    def fileExists(String path) { new File(build.asked.folder, path).exists() }
    def anyOf(Closure closure) { verdicts << nested(closure).any() }
    def allOf(Closure closure) { verdicts << nested(closure).every() }
    def not(Closure closure) { verdicts << !nested(closure).every() }
    def nested(Closure closure) { inside(new Condition(build: build, scope: scope), closure).verdicts }
}

class Steps extends Block {
    String stage

    def sh(String script) {
        def command = new ProcessBuilder(['sh', '-xe', '-c', script])
        command.directory(new File(build.asked.folder)).redirectErrorStream(true)
        command.environment().clear()
        command.environment().putAll(getEnv())
        def process = command.start()
        process.outputStream.close()
        def printed = process.inputStream.text
        def status = process.waitFor()
        build.log << [stage: stage, sh: script, status: status, printed: printed, credentials: secrets]
        if (status != 0) {
            throw new StepFailed("script returned exit code $status")
        }
    }
    def archiveArtifacts(Map options) { build.log << [stage: stage, archive: options.artifacts] }
    def junit(Map options) { build.log << [stage: stage, junit: options.testResults] }
}

class Post extends Block {
    String stage
    Map found = [:]

    def always(Closure closure) { found.always = closure }
    def success(Closure closure) { found.success = closure }
    def failure(Closure closure) { found.failure = closure }
}

class Axis extends Block {
    String title
    List choices

    def name(String said) { title = said }
    def values(String... said) { choices = said as List }
}

class Axes extends Block {
    List found = []

    def axis(Closure closure) { found << inside(new Axis(build: build), closure) }
}

class Agent extends Block {
    String found

    def label(said) { found = said as String }
}

// The pipeline, a stage, or the cells of a matrix.
class Part extends Block {
    String stage = 'pipeline'
    Map told = [:]

    def agent(said) { keep('agent', said) }
    def options(Closure said) { keep('options', said) }
    def triggers(Closure said) { keep('triggers', said) }
    def parameters(Closure said) { keep('parameters', said) }
    def environment(Closure said) { keep('environment', said) }
    def when(Closure said) { keep('when', said) }
    def stages(Closure said) { keep('stages', said) }
    def parallel(Closure said) { keep('parallel', said) }
    def matrix(Closure said) { keep('matrix', said) }
    def axes(Closure said) { keep('axes', said) }
    def steps(Closure said) { keep('steps', said) }
    def post(Closure said) { keep('post', said) }
    def keep(String name, said) {
        if (told.containsKey(name)) {
            throw new IllegalStateException("$stage has $name twice")
        }
        told[name] = said
    }

    void readSettings() {
        if (told.parameters) {
            def known = ['string', 'choice', 'booleanParam']
            inside(new Recorder(build: build, known: known), told.parameters).calls.each { call ->
                def said = call.arguments[0]
                def value = said.containsKey('defaultValue') ? said.defaultValue : said.choices[0]
                build.params[said.name] = (build.asked.parameters ?: [:]).getOrDefault(said.name, value)
            }
        }
        if (told.triggers) {
            def known = ['cron', 'pollSCM', 'upstream']
            build.triggers = inside(new Recorder(build: build, known: known), told.triggers).calls
        }
        if (told.options) {
            def known = ['timeout', 'timestamps', 'disableConcurrentBuilds', 'buildDiscarder', 'logRotator']
            def calls = inside(new Recorder(build: build, known: known), told.options).calls
            build.options = calls.findAll { it.name != 'logRotator' }*.name
        }
    }

    boolean runs() {
        if (told.environment) {
            def read = inside(new Environment(build: build, scope: scope), told.environment)
            scope = scope + read.found
            secrets = secrets + read.ids
        }
        !told.when || inside(new Condition(build: build, scope: scope), told.when).verdicts.every()
    }

    void run() {
        if (!runs()) {
            build.log << [stage: stage, skipped: true]
            return
        }
        if (told.agent instanceof Closure) {
            build.log << [stage: stage, agent: inside(new Agent(build: build, scope: scope), told.agent).found]
        }
        def failedBefore = build.failed
        build.failed = false
        attempt { work() }
        if (told.post) {
            def post = inside(new Post(build: build), told.post)
            ['always', build.failed ? 'failure' : 'success'].findAll { post.found[it] }.each { name ->
                attempt { inside(steps(), post.found[name]) }
            }
        }
        build.failed = build.failed || failedBefore
    }

    void work() {
        if (told.steps) {
            inside(steps(), told.steps)
        } else if (told.parallel) {
            inside(children(false), told.parallel)
        } else if (told.matrix) {
            def cells = inside(part(stage), told.matrix)
            def found = inside(new Axes(build: build), cells.told.axes).found
            found.collect { axis -> axis.choices.collect { [(axis.title): it] } }.combinations().each { chosen ->
                def cell = inside(part("$stage ${chosen.collectMany { it.values() }.join(' ')}"), told.matrix)
                chosen.each { cell.scope = cell.scope + it }
                cell.run()
            }
        } else {
            inside(children(true), told.stages)
        }
    }

    void attempt(Closure closure) {
        try {
            closure()
        } catch (StepFailed failure) {
            build.failed = true
        }
    }
    Steps steps() { new Steps(build: build, scope: scope, secrets: secrets, stage: stage) }
    Part part(String name) { new Part(build: build, scope: scope, secrets: secrets, stage: name) }
    Stages children(boolean inOrder) {
        new Stages(build: build, scope: scope, secrets: secrets, inOrder: inOrder)
    }
}

class Stages extends Block {
    boolean inOrder

    def stage(String name, Closure closure) {
        if (inOrder && build.failed) {
            build.log << [stage: name, skipped: true]
            return
        }
        inside(new Part(build: build, scope: scope, secrets: secrets, stage: name), closure).run()
    }
}

def builds = new JsonSlurper().parse(System.in).collect { asked ->
    def build = new Build(asked: asked)
    def result = 'INVALID'
    try {
        def binding = new Binding()
        binding.pipeline = { Closure closure ->
            def pipeline = new Part(build: build)
            pipeline.inside(pipeline, closure)
            pipeline.readSettings()
            pipeline.run()
        }
        new GroovyShell(this.class.classLoader, binding).evaluate(new File(asked.file))
        result = build.failed ? 'FAILURE' : 'SUCCESS'
    } catch (Exception | Error wrong) {
        build.log << [error: wrong.toString()]
    }
    def triggers = build.triggers.collect { [it.name, it.arguments[0]] }
    [result: result, log: build.log, triggers: triggers, options: build.options, parameters: build.params]
}
println JsonOutput.toJson(builds)
