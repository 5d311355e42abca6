# SPDX-License-Identifier: Apache-2.0
# Writes OUTPUT, a zip with BOOTSTRAP, stripped, as bootstrap, and in lib/ the shared libraries that PROGRAM (the same
# without a path to libraries of its own) is linked to, the dynamic loader LOADER among them. FOLDER is where it is laid
# out. The same files give the same bytes: fixed times and modes, sorted names.
file(GET_RUNTIME_DEPENDENCIES EXECUTABLES ${PROGRAM} RESOLVED_DEPENDENCIES_VAR libraries
     UNRESOLVED_DEPENDENCIES_VAR missing)
if(missing)
    message(FATAL_ERROR "these libraries cannot be found: ${missing}")
endif()
if(NOT libraries MATCHES "/${LOADER}(;|$)")
    message(FATAL_ERROR "the dynamic loader ${LOADER} is not among the libraries: ${libraries}")
endif()

file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER}/lib)
file(COPY_FILE ${BOOTSTRAP} ${FOLDER}/bootstrap)
execute_process(COMMAND ${STRIP} ${FOLDER}/bootstrap COMMAND_ERROR_IS_FATAL ANY)
set(files bootstrap)
foreach(library IN LISTS libraries)
    get_filename_component(name ${library} NAME)
    file(COPY_FILE ${library} ${FOLDER}/lib/${name}) # of a link, what it leads to
    list(APPEND files lib/${name})
endforeach()
list(SORT files)
list(TRANSFORM files PREPEND ${FOLDER}/ OUTPUT_VARIABLE paths)
foreach(path IN LISTS paths)
    file(CHMOD ${path} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
endforeach()
execute_process(COMMAND touch --date=2000-01-01T00:00:00Z ${paths} COMMAND_ERROR_IS_FATAL ANY)

# What CMake itself packs has the times at which files were read in it.
find_program(ZIP zip)
if(NOT ZIP)
    message(FATAL_ERROR "the program zip is missing: install the package zip")
endif()
set(ENV{TZ} UTC) # a zip's times have no zone
file(REMOVE ${OUTPUT})
execute_process(COMMAND ${ZIP} --quiet -X ${OUTPUT} ${files} WORKING_DIRECTORY ${FOLDER} COMMAND_ERROR_IS_FATAL ANY)
