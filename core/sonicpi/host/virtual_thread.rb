# What a program takes for a Thread: a fiber that runs when VirtualTime says so.
#
# A hundred times cheaper to switch than one of the system's threads, and as many as a
# program likes. It can do what Sonic Pi and its users' programs ask of a Thread.
class VirtualThread
  attr_accessor :name, :priority, :report_on_exception, :abort_on_exception
  # Of VirtualTime: who waits for its end, and for what it waits itself.
  attr_accessor :waiter
  attr_reader :joiners

  def initialize(args, block)
    @fiber = Fiber.new { live(args, block) }
    @variables = {}
    @locals = {}
    @joiners = []
    @priority = 0
  end

  def begun?
    @begun
  end

  def alive?
    !@finished
  end

  def status
    return @failure ? nil : false if @finished
    current? ? 'run' : 'sleep'
  end

  def stop?
    @finished || !current?
  end

  def current?
    equal?(VirtualTime.thread)
  end

  def thread_variable_get(name)
    @variables[name.to_sym]
  end

  def thread_variable_set(name, value)
    @variables[name.to_sym] = value
  end

  def thread_variable?(name)
    @variables.key?(name.to_sym)
  end

  def thread_variables
    @variables.keys
  end

  def [](name)
    @locals[name.to_sym]
  end

  def []=(name, value)
    @locals[name.to_sym] = value
  end

  def fetch(name, *default, &block)
    @locals.fetch(name.to_sym, *default, &block)
  end

  def key?(name)
    @locals.key?(name.to_sym)
  end

  def keys
    @locals.keys
  end

  def join(limit = nil)
    VirtualTime.block_on(@joiners, limit) if alive? && VirtualTime.managed?
    return if alive?
    Kernel.raise @failure if @failure
    self
  end

  def value
    join
    @value
  end

  # End it here and now: its `ensure` blocks run before the killer goes on.
  def kill
    interrupt { throw self } if alive?
    self
  end
  alias terminate kill
  alias exit kill

  def raise(*error)
    interrupt { Kernel.raise(*(error.empty? ? ['unhandled exception'] : error)) } if alive?
  end

  def wakeup
    VirtualTime.wake(self)
    self
  end
  alias run wakeup

  # Of VirtualTime: let it run, from wherever it gave way.
  def go_on
    @fiber.transfer
  end

  # Give way to another, or to the root; then face what others did meanwhile.
  def give_way_to(other)
    @fiber = Fiber.current # an Enumerator's, perhaps
    other.is_a?(Fiber) ? other.transfer : other.go_on
    return unless (what = @interrupt)
    @interrupt = nil
    what.call
  end

  # Its end; whoever waits for that goes on.
  def finish
    @finished = true
    VirtualTime.ended(self)
  end

  private

  def live(args, block)
    @begun = true
    catch(self) { @value = block.call(*args) }
  rescue SystemExit => e
    exit!(e.status)
  rescue Exception => e # rubocop:disable Lint/RescueException
    @failure = e
  ensure
    finish
  end

  def interrupt(&what)
    return what.call if current?
    @interrupt = what
    VirtualTime.interrupt(self)
  end
end
