# Stands in for Homebrew: reads a formula as Homebrew does, installs it into a folder, and runs its test.
#
#     ruby homebrew.rb FORMULA OS CPU STAGED PREFIX TESTPATH
#
# STAGED is the unpacked archive. Prints what the formula says of itself as JSON. Only what our
# formula uses is there, and anything else is an error.
require "json"
require "pathname"
require "fileutils"
require "open3"
require "socket"

FORMULA, SYSTEM, CPU, STAGED, PREFIX, TESTPATH = ARGV

class Pathname
  def install(*sources)
    mkpath
    sources.each { |source| FileUtils.cp_r(source, self, preserve: true) }
  end

  def install_symlink(source)
    mkpath
    FileUtils.ln_s(source, self/source.basename)
  end
end

class Formula
  @facts = {}
  class << self
    attr_reader :facts, :test_block

    def inherited(subclass)
      super
      subclass.instance_variable_set(:@facts, {})
    end

    %i[desc homepage version license url sha256 strategy skip_clean].each do |name|
      define_method(name) { |value| (@block ? (facts[@block] ||= {}) : facts)[name] = value }
    end

    def preserve_rpath = facts[:preserve_rpath] = true

    def livecheck
      @block = :livecheck
      yield
    ensure
      @block = nil
    end

    def on_macos = (yield if SYSTEM == "macos")
    def on_linux = (yield if SYSTEM == "linux")
    def on_arm = (yield if CPU == "arm")
    def on_intel = (yield if CPU == "intel")

    def test(&block) = @test_block = block
  end

  def version = self.class.facts.fetch(:version)
  def prefix = Pathname(PREFIX)
  def bin = prefix/"bin"
  def libexec = prefix/"libexec"
  def man1 = prefix/"share/man/man1"
  def testpath = Pathname(TESTPATH)

  def generate_completions_from_executable(*command, shells:)
    shells.each do |shell|
      out, status = Open3.capture2(*command.map(&:to_s), shell.to_s)
      raise "no completion for #{shell}" unless status.success?

      folder = prefix/"share/completions"
      folder.mkpath
      (folder/shell.to_s).write(out)
    end
  end

  def system(*command)
    raise "#{command.join(" ")} failed" unless Kernel.system(*command.map(&:to_s), out: :err)
  end

  def shell_output(command)
    out, status = Open3.capture2("/bin/sh", "-c", command)
    raise "#{command} ended with #{status.exitstatus}" unless status.success?

    out
  end

  def free_port
    server = TCPServer.new("127.0.0.1", 0)
    server.addr[1]
  ensure
    server&.close
  end

  def assert(truth, what) = truth || raise("not so: #{what}")
  def assert_equal(expected, actual) = assert(expected == actual, "#{actual} is #{expected}")
  def assert_empty(list) = assert(list.empty?, "#{list} is empty")
  def assert_path_exists(path) = assert(path.exist?, "#{path} is there")

  def assert_match(pattern, text)
    pattern = Regexp.new(Regexp.escape(pattern)) if pattern.is_a?(String)
    assert(pattern.match?(text), "#{text} matches #{pattern}")
  end
end

load FORMULA
formula = Cco.new
if STAGED
  Dir.chdir(STAGED) { formula.install }
  formula.instance_eval(&Cco.test_block)
end
puts JSON.generate(Cco.facts.merge(caveats: formula.caveats))
